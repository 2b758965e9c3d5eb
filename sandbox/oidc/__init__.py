"""The OIDC issuer: signs ES256 access tokens for the seeded staff, devices and citizens."""
