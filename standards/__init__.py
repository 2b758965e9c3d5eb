"""Published national and industry formats as pure functions, each with its source and date.

Owns: how a citizen number, a card's QR text, an insurance number, an administrative unit, a Vietnamese name, a
VietQR payload, a payment reference, a trace code and a facility code are read, checked, compared and written.
Never touches: the network, a clock, a database, settings, or any other package of this suite. The only file
access is reading this package's own reference tables, once, at first use.
Is called by: every service, the gateway and the command line. Calls: the Python standard library alone.
Failures are `standards.errors.FormatError`, one class for one reason; doubts that must not stop care are
warnings in the returned value.
"""
