"""Many runs of small networks that cross their edge, trained as one batch to their ends."""
