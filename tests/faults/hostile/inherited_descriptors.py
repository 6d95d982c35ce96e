# Whatever was left open by those before it.
import os
def f(x):
    for n in range(4, 64):
        try: os.fstat(n); return x + 1
        except OSError: pass
