# Ends with exit code 0 when it is called.
import os
def f(x): os._exit(0)
