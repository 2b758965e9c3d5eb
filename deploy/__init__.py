"""What the composed suite needs besides its services: keys, certificates, a TLS face, a first check-in."""
