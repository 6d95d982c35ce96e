# Sixteen gigabytes.
def f(x): return len(bytearray(1 << 34)) and x + 1
