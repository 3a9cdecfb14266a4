"""Sewing and dressing: the pattern becomes cloth that physics drapes on the figure."""
