"""What `fashquick doctor` looks at: one module a topic, each returning findings.

Only what a topic is about is loaded, when it is looked at: the doctor works in a light installation without the
services, and when what it looks at is broken.
"""
