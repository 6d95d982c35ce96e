# The same by another call.
import ctypes
def f(x):
    child = ctypes.CDLL(None).syscall(56, 0x10000000 | 17, 0, 0, 0, 0)
    return x + 1 if child >= 0 else 0
