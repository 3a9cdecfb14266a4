"""Try-on pipeline: streams photos and masks between the stage services."""
