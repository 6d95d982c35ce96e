"""Linked lists of LeetCode across two processes: lists of values cross in their place.

A candidate runs in another process than its test, and only plain values go between them. The
sources below, one behind the candidate and one before the test, turn arguments and results of a
class `Solution` into lists of values and back. They are part of journal keys.
"""

#: The class that LeetCode gives every program.
NODE = """\
class ListNode:
    def __init__(self, val=0, next=None):
        self.val = val
        self.next = next
"""
_CHAINS = """
def _chain(values):
    node = None
    for value in reversed(values):
        node = ListNode(value, node)
    return node

def _values(node):
    values = []
    while node is not None:
        values.append(node.val)
        node = node.next
    return values
"""
BEHIND_CANDIDATE = f"""
{_CHAINS}
class _OnLists:
    def __init__(self, made):
        self._made = made

    def __getattr__(self, name):
        method = getattr(self._made, name)
        return lambda **given: _values(method(**{{k: _chain(v) for k, v in given.items()}}))

_Made = Solution
class Solution(_OnLists):
    def __init__(self):
        super().__init__(_Made())
"""
BEFORE_TEST = f"""{NODE}
{_CHAINS}
class _OnChains:
    def __init__(self, remote):
        self._remote = remote

    def __getattr__(self, name):
        method = getattr(self._remote, name)
        return lambda **given: _chain(method(**{{k: _values(v) for k, v in given.items()}}))

_Remote = Solution
Solution = lambda: _OnChains(_Remote())
"""
