# A file larger than is allowed.
def f(x):
    with open("big", "wb") as file:
        for _ in range(64): file.write(bytes(1 << 20))
    return x + 1
