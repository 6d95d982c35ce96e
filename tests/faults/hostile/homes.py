# Folders in which secrets lie.
import os
def f(x):
    for place in ("/etc/shadow", "/root/.ssh", "/home", "/var/log", "/work", "/run", "/sys/kernel"):
        if os.path.exists(place): return x + 1
