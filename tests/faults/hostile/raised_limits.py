# Lifts its limits, then takes what they forbade.
import resource
def f(x):
    for name in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NPROC):
        resource.setrlimit(name, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return len(bytearray(1 << 34)) and x + 1
