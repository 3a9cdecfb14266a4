"""What every fashquick server is made of: start-up, admission, uploads, errors, telemetry."""
