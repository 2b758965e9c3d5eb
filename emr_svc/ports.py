"""What the record's operations need from outside their own store: nothing yet but time, which chassis gives."""
