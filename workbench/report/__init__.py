"""A report tells the verdict and the evidence. It measures nothing.

`page` turns a record into plain values with every number already formatted, `render` puts them into one HTML file.
Nothing here imports torch, and nothing here trusts a text: it may be an attack.
"""
