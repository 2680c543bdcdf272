"""All studies at once, for `analysis.verify` and `analysis.report`.

`options` says which are asked and how, `programs` runs them side by side, `reports` keeps what they say, and `answers`
has it of all.
"""
