# Files wherever there is room.
import os
def f(x):
    for folder in ("/tmp", "/dev/shm", "/var/tmp", "/dev", "/", os.path.dirname(WITNESS)):
        try: open(folder + "/nca-litter-%d" % PORT, "w").close()
        except OSError: pass
    return 0
