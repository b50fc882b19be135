"""Pure strings: words with character spans, normalisation. A leaf."""
