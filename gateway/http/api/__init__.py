"""HTTP/JSON from the google.api.http annotations of the gateway's methods."""
