"""Our own solutions of some LeetCode problems, each with a change that makes it wrong."""

# task id (without its contest): the body of the class, and what to replace by what.
SOLUTIONS: dict[str, tuple[str, str, str]] = {
    "minimum-number-of-pushes-to-type-word-i": (
        """
    def minimumPushes(self, word: str) -> int:
        return sum(place // 8 + 1 for place in range(len(word)))
""",
        "// 8",
        "// 9",
    ),
    "minimum-number-of-pushes-to-type-word-ii": (
        """
    def minimumPushes(self, word: str) -> int:
        counts = sorted(Counter(word).values(), reverse=True)
        return sum(count * (place // 8 + 1) for place, count in enumerate(counts))
""",
        ", reverse=True",
        "",
    ),
    "divide-an-array-into-subarrays-with-minimum-cost-i": (
        """
    def minimumCost(self, nums: List[int]) -> int:
        return nums[0] + sum(sorted(nums[1:])[:2])
""",
        "[:2]",
        "[-2:]",
    ),
    "count-elements-with-maximum-frequency": (
        """
    def maxFrequencyElements(self, nums: List[int]) -> int:
        counts = Counter(nums).values()
        return sum(count for count in counts if count == max(counts))
""",
        "max(counts)",
        "min(counts)",
    ),
    "maximum-area-of-longest-diagonal-rectangle": (
        """
    def areaOfMaxDiagonal(self, dimensions: List[List[int]]) -> int:
        return max((a * a + b * b, a * b) for a, b in dimensions)[1]
""",
        "a * a + b * b",
        "a + b",
    ),
    "check-if-bitwise-or-has-trailing-zeros": (
        """
    def hasTrailingZeros(self, nums: List[int]) -> bool:
        return sum(number % 2 == 0 for number in nums) >= 2
""",
        ">= 2",
        ">= 1",
    ),
    "minimum-number-game": (
        """
    def numberGame(self, nums: List[int]) -> List[int]:
        nums.sort()
        return [nums[place ^ 1] for place in range(len(nums))]
""",
        "place ^ 1",
        "place",
    ),
    "find-missing-and-repeated-values": (
        """
    def findMissingAndRepeatedValues(self, grid: List[List[int]]) -> List[int]:
        counts = Counter(chain.from_iterable(grid))
        wanted = range(1, len(grid) ** 2 + 1)
        return [next(n for n in wanted if counts[n] == times) for times in (2, 0)]
""",
        "(2, 0)",
        "(0, 2)",
    ),
    "count-tested-devices-after-test-operations": (
        """
    def countTestedDevices(self, batteryPercentages: List[int]) -> int:
        tested = 0
        for level in batteryPercentages:
            tested += level > tested
        return tested
""",
        "level > tested",
        "level > 0",
    ),
    "maximum-odd-binary-number": (
        """
    def maximumOddBinaryNumber(self, s: str) -> str:
        ones = s.count("1")
        return "1" * (ones - 1) + "0" * (len(s) - ones) + "1"
""",
        '"1" * (ones - 1) + "0" * (len(s) - ones)',
        '"0" * (len(s) - ones) + "1" * (ones - 1)',
    ),
    "count-subarrays-where-max-element-appears-at-least-k-times": (
        """
    def countSubarrays(self, nums: List[int], k: int) -> int:
        most, seen, total = max(nums), [], 0
        for place, number in enumerate(nums):
            if number == most:
                seen.append(place)
            if len(seen) >= k:
                total += seen[-k] + 1
        return total
""",
        "seen[-k] + 1",
        "seen[-k]",
    ),
    "length-of-longest-subarray-with-at-most-k-frequency": (
        """
    def maxSubarrayLength(self, nums: List[int], k: int) -> int:
        counts, start, best = Counter(), 0, 0
        for end, number in enumerate(nums):
            counts[number] += 1
            while counts[number] > k:
                counts[nums[start]] -= 1
                start += 1
            best = max(best, end - start + 1)
        return best
""",
        "counts[number] > k",
        "counts[number] >= k + 2",
    ),
    "minimum-number-of-coins-for-fruits": (
        """
    def minimumCoins(self, prices: List[int]) -> int:
        @cache
        def cost(place: int) -> int:
            if place > len(prices):
                return 0
            return prices[place - 1] + min(map(cost, range(place + 1, 2 * place + 2)))

        return cost(1)
""",
        "2 * place + 2",
        "2 * place + 1 + (place == 1)",
    ),
    "distribute-candies-among-children-ii": (
        """
    def distributeCandies(self, n: int, limit: int) -> int:
        def ways(left: int) -> int:
            return comb(left + 2, 2) if left >= 0 else 0

        over = limit + 1
        return sum((-1) ** c * comb(3, c) * ways(n - c * over) for c in range(4))
""",
        "over = limit + 1",
        "over = limit",
    ),
    "maximum-spending-after-buying-items": (
        """
    def maxSpending(self, values: List[List[int]]) -> int:
        every = sorted(chain.from_iterable(values))
        return sum(day * value for day, value in enumerate(every, 1))
""",
        "enumerate(every, 1)",
        "enumerate(every)",
    ),
    "split-array-into-maximum-number-of-subarrays": (
        """
    def maxSubarrays(self, nums: List[int]) -> int:
        parts, joined = 0, -1
        for number in nums:
            joined &= number
            if joined == 0:
                parts, joined = parts + 1, -1
        return max(parts, 1)
""",
        "max(parts, 1)",
        "parts",
    ),
    "count-of-interesting-subarrays": (
        """
    def countInterestingSubarrays(self, nums: List[int], modulo: int, k: int) -> int:
        before, seen, total = Counter({0: 1}), 0, 0
        for number in nums:
            seen += number % modulo == k
            total += before[(seen - k) % modulo]
            before[seen % modulo] += 1
        return total
""",
        "Counter({0: 1})",
        "Counter()",
    ),
    "double-a-number-represented-as-a-linked-list": (
        """
    def doubleIt(self, head: Optional[ListNode]) -> Optional[ListNode]:
        number, node = 0, head
        while node:
            number, node = number * 10 + node.val, node.next
        for digit in reversed(str(2 * number)):
            node = ListNode(int(digit), node)
        return node
""",
        "2 * number",
        "number + 2",
    ),
    "insert-greatest-common-divisors-in-linked-list": (
        """
    def insertGreatestCommonDivisors(self, head: Optional[ListNode]) -> Optional[ListNode]:
        node = head
        while node.next:
            node.next = ListNode(gcd(node.val, node.next.val), node.next)
            node = node.next.next
        return head
""",
        "gcd(node.val",
        "min(node.val",
    ),
    "shortest-string-that-contains-three-strings": (
        """
    def minimumString(self, a: str, b: str, c: str) -> str:
        def joined(left: str, right: str) -> str:
            if right in left:
                return left
            return next(
                left + right[n:] for n in range(len(right), -1, -1) if left.endswith(right[:n])
            )

        found = (joined(joined(x, y), z) for x, y, z in permutations((a, b, c)))
        return min(found, key=lambda text: (len(text), text))
""",
        "(len(text), text)",
        "len(text)",
    ),
    "continuous-subarrays": (
        """
    def continuousSubarrays(self, nums: List[int]) -> int:
        start, total, counts = 0, 0, Counter()
        for end, number in enumerate(nums):
            counts[number] += 1
            while max(counts) - min(counts) > 2:
                counts[nums[start]] -= 1
                if not counts[nums[start]]:
                    del counts[nums[start]]
                start += 1
            total += end - start + 1
        return total
""",
        "> 2",
        "> 1",
    ),
    "apply-operations-on-array-to-maximize-sum-of-squares": (
        """
    def maxSum(self, nums: List[int], k: int) -> int:
        bits = [sum(number >> bit & 1 for number in nums) for bit in range(30)]
        best = 0
        for rank in range(k):
            best += sum(1 << bit for bit in range(30) if bits[bit] > rank) ** 2
        return best % (10**9 + 7)
""",
        "bits[bit] > rank",
        "bits[bit] >= rank",
    ),
    "count-valid-paths-in-a-tree": (
        """
    def countPaths(self, n: int, edges: List[List[int]]) -> int:
        prime = [False, False] + [True] * (n - 1)
        for number in range(2, isqrt(n) + 1):
            if prime[number]:
                prime[number * number :: number] = [False] * len(prime[number * number :: number])
        near = defaultdict(list)
        for a, b in edges:
            near[a].append(b)
            near[b].append(a)
        size = {}

        def component(start: int) -> int:
            if start not in size:
                found, todo = {start}, [start]
                while todo:
                    for other in near[todo.pop()]:
                        if not prime[other] and other not in found:
                            found.add(other)
                            todo.append(other)
                size.update(dict.fromkeys(found, len(found)))
            return size[start]

        total = 0
        for number in range(2, n + 1):
            if prime[number]:
                seen = 1
                for other in near[number]:
                    if not prime[other]:
                        total += seen * component(other)
                        seen += component(other)
        return total
""",
        "seen = 1",
        "seen = 0",
    ),
    "minimum-operations-to-form-subsequence-with-target-sum": (
        """
    def minOperations(self, nums: List[int], target: int) -> int:
        if sum(nums) < target:
            return -1
        heap = [-number for number in nums]
        heapify(heap)
        left, steps = sum(nums), 0
        while target > 0:
            number = -heappop(heap)
            left -= number
            if number <= target:
                target -= number
            elif left < target:
                steps += 1
                left += number
                heappush(heap, -(number // 2))
                heappush(heap, -(number // 2))
        return steps
""",
        "steps += 1",
        "steps += 2",
    ),
    "count-stepping-numbers-in-range": (
        """
    def countSteppingNumbers(self, low: str, high: str) -> int:
        def below(bound: str) -> int:
            @cache
            def count(place: int, last: int, tight: bool) -> int:
                if place == len(bound):
                    return int(last >= 0)
                top = int(bound[place]) if tight else 9
                total = count(place + 1, -1, False) if last < 0 else 0
                for digit in range(1 if last < 0 else 0, top + 1):
                    if last < 0 or abs(digit - last) == 1:
                        total += count(place + 1, digit, tight and digit == top)
                return total

            return count(0, -1, True)

        return (below(high) - below(str(int(low) - 1))) % (10**9 + 7)
""",
        "str(int(low) - 1)",
        "low",
    ),
    "maximum-number-of-groups-with-increasing-length": (
        """
    def maxIncreasingGroups(self, usageLimits: List[int]) -> int:
        total, groups = 0, 0
        for limit in sorted(usageLimits):
            total += limit
            if total >= (groups + 1) * (groups + 2) // 2:
                groups += 1
        return groups
""",
        "sorted(usageLimits)",
        "sorted(usageLimits, reverse=True)",
    ),
    "count-paths-that-can-form-a-palindrome-in-a-tree": (
        """
    def countPalindromePaths(self, parent: List[int], s: str) -> int:
        @cache
        def mask(node: int) -> int:
            return 0 if node == 0 else mask(parent[node]) ^ 1 << ord(s[node]) - 97

        seen, total = Counter(), 0
        for node in range(len(parent)):
            own = mask(node)
            total += seen[own] + sum(seen[own ^ 1 << bit] for bit in range(26))
            seen[own] += 1
        return total
""",
        "seen[own] + sum",
        "sum",
    ),
    "length-of-the-longest-valid-substring": (
        """
    def longestValidSubstring(self, word: str, forbidden: List[str]) -> int:
        banned, end, best = set(forbidden), len(word), 0
        for start in reversed(range(len(word))):
            for stop in range(start + 1, min(start + 10, end) + 1):
                if word[start:stop] in banned:
                    end = stop - 1
                    break
            best = max(best, end - start)
        return best
""",
        "end = stop - 1",
        "end = stop",
    ),
}
