"""All studies at once, for `analysis.verify`: `programs` runs them side by side, `reports` keeps what they say."""
