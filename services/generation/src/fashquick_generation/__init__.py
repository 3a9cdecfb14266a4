"""Try-on pictures: photo, alpha and passport in, picture and condition maps out."""
