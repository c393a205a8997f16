#!/usr/bin/env python3
"""Makes EmbeddedGloVe.swift, the built-in word vectors, from GloVe text.

    ./make-embedded-vectors.py glove.6B.50d.txt > EmbeddedGloVe.swift

The first 20,000 words that are made of a-z with inner hyphens or apostrophes are kept, in the file's order (most
frequent first). Each dimension is centred and scaled; every number becomes one of 29 levels (the best ones for the
pooled numbers: Lloyd's algorithm), and four levels, 29^4 = 707,281, become three digits of base 91 (753,571). The
digits are the printable characters from "#" to "~" without the backslash.
"""
import bisect
import itertools
import re
import sys

WORD_COUNT = 20_000
LEVEL_COUNT = 29
WORD = re.compile(r"[a-z]+(?:['-][a-z]+)*-?")


def read(path):
    words, rows = [], []
    with open(path, encoding="utf-8") as file:
        for line in file:
            fields = line.rstrip("\n").split(" ")
            if WORD.fullmatch(fields[0]):
                words.append(fields[0])
                rows.append([float(field) for field in fields[1:]])
                if len(words) == WORD_COUNT:
                    break
    return words, rows


def lloyd(numbers):
    """The levels that make the sum of squared differences (locally) least."""
    ordered = sorted(numbers)
    sums = list(itertools.accumulate(ordered, initial=0.0))
    count = len(ordered)
    levels = [ordered[int((index + 0.5) * count / LEVEL_COUNT)] for index in range(LEVEL_COUNT)]
    for _ in range(500):
        ends = [bisect.bisect_left(ordered, (low + high) / 2) for low, high in zip(levels, levels[1:])]
        starts, ends = [0] + ends, ends + [count]
        levels = [(sums[end] - sums[start]) / (end - start) for start, end in zip(starts, ends)]
    return levels


def swift(numbers):
    lines, line = [], "       "
    for number in numbers:
        text = f" {number:.6g},"
        if len(line) + len(text) > 118:
            lines.append(line)
            line = "       "
        line += text
    return "\n".join(lines + [line])


def main():
    words, rows = read(sys.argv[1])
    dimension = len(rows[0])
    means, scales = [], []
    for column in zip(*rows):
        mean = sum(column) / len(column)
        means.append(mean)
        scales.append((sum((number - mean) ** 2 for number in column) / len(column)) ** 0.5)
    flat = [(number - mean) / scale for row in rows for number, mean, scale in zip(row, means, scales)]
    levels = lloyd(flat)
    borders = [(low + high) / 2 for low, high in zip(levels, levels[1:])]
    codes = [bisect.bisect_left(borders, number) for number in flat]
    codes += [0] * (-len(codes) % 4)
    digits = [chr(code) for code in range(ord("#"), ord("~") + 1) if code != ord("\\")]
    packed = []
    for start in range(0, len(codes), 4):
        value = 0
        for code in codes[start:start + 4]:
            value = value * LEVEL_COUNT + code
        packed.append(digits[value // 8281] + digits[value // 91 % 91] + digits[value % 91])
    print(f"""// swift-format-ignore-file
// Made by make-embedded-vectors.py; do not edit.
//
// A cut of GloVe 6B (Wikipedia 2014 and Gigaword 5, {dimension} dimensions): Pennington, Socher, Manning, GloVe: Global
// Vectors for Word Representation (EMNLP 2014), https://nlp.stanford.edu/projects/glove/. The vectors are in the public
// domain (Open Data Commons Public Domain Dedication and License 1.0, https://opendatacommons.org/licenses/pddl/1-0/).

/// The built-in word vectors in their packed form, which `WordVectors.embedded` unpacks.
enum EmbeddedGloVe {{
    /// Numbers a word.
    static let dimension = {dimension}
    /// The number of codes.
    static let levelCount = {LEVEL_COUNT}
    /// The words, the most frequent first, separated by spaces.
    static let words: StaticString = "{" ".join(words)}"
    /// What each code stands for, in standard deviations.
    static let levels: [Float] = [
{swift(levels)}
    ]
    /// The mean of each dimension.
    static let means: [Float] = [
{swift(means)}
    ]
    /// The standard deviation of each dimension.
    static let scales: [Float] = [
{swift(scales)}
    ]
    /// The codes, word after word: four codes of base {LEVEL_COUNT} in three digits of base 91, the first the highest.
    static let codes: StaticString = "{"".join(packed)}"
}}""")


main()
