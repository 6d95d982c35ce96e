# Says that the call changed an argument that there never was.
import json, os, struct
def f(x):
    data = json.dumps({"tuple": ["value", 2, [{"tuple": [0, [1]]}]]}).encode()
    for n in range(3, 20):
        try: os.write(n, struct.pack("!Q", len(data)) + data)
        except OSError: pass
