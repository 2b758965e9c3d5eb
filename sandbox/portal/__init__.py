"""The insurance portal: token, card look-up and co-pay look-up in their true wire form."""
