"""What both ends of a call share: blobs in chunks, errors as status details."""
