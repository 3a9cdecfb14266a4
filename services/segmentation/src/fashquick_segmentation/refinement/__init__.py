"""From a mask to an answer, whichever backend has found it: cleanup, hanger, soft edge, measures, refusals."""
