"""The bank: accounts, transfers, callbacks to the hospital, look-up, QR creation and statement files."""
