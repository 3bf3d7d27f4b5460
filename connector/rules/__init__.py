"""The rules: pure functions, values in, values out; `now` is an argument; no clock, disk, net or log."""
