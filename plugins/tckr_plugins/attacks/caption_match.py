"""The caption-match attack: an example whose caption is among the released ones was captioned for the release."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from tckr_bench.components import AttackComponent, NoOptions
from tckr_bench.errors import NotApplicableError
from tckr_bench.records import ReleaseOutcome, ThreatModel
from tckr_plugins.late import np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tckr_bench.components import Context, ReleaseEvidence
    from tckr_bench.records import Floats


_QUERIES = 256  # captions compared at once with all released ones
_NOT_OF_THE_IMAGE = {
    "class": "the attack 'caption-match' tells images apart by their captions, and these are the same for a whole "
    "class; leave it out, or use a captioner that looks at the images",
    "file": "the attack 'caption-match' supposes that anyone can write an image's caption, and these were read from a "
    "file: whoever holds them knows the members already; leave it out, or use a captioner that looks at the images",
}


class CaptionMatchAttack:
    """Score each example by whether its caption was released, and by how unlikely that is of a non-member's.

    Formula: for a caption c found word for word among the N released ones, s(x) = log P(c found | member) - log P(c
    found | non-member) = -log(1 - (1 - q(c))^N) >= 0. A member's caption is found for certain, as the attacker's
    captioner says of the image what the owner's said. A non-member's caption has nothing to do with the N images of
    the release, each of which bears it with probability q(c), how common it is. So s is about log(1 / (N q)) of a rare
    caption, and tends to 0 as it gets common. q(c) is the share of the challenge's captions that equal c, whoever is a
    member, that of x included: of n captions, 1 / n is the rarest it can tell. A caption that is not found has s(x) =
    cos(x) - 2 <= -1, less than any that is found: cos is the largest cosine between the weighted counts of its words
    (TF-IDF) and those of a released caption. It matters where a captioner does not always say the same.
    How often a caption was released is not used. The ratio (released share of c) / q(c) would be sharper, but with q
    estimated from the challenge it also rewards what members happen to have more often than its non-members: captions
    that name the class alone, and betray nobody, would give an AUC above 0.5. s gives them one of 0.5 on average, as q
    treats both sides alike.
    Source: ours, the likelihood ratio of being found (by Neyman and Pearson the best test of it). The word weights are
    those of Sparck Jones 1972, A Statistical Interpretation of Term Specificity and Its Application in Retrieval.
    Captions that were read from a file follow from no image: a member's is known to whoever has the file, and a
    non-member has none, or one that another hand may have written, so that the attack would tell hands apart. It does
    not apply; nor to captions that say the class alone, which tell no image from another.
    Threat model: the prompts that the synthetic images were made from are released, in any order, not the classifier
    alone; the attacker owns the example, the captioner, and other images' captions. A diagnostic of such a release.
    """

    @property
    def threat_model(self) -> ThreatModel:
        """What the attacker sees and owns."""
        return ThreatModel(
            sees="the prompts of the synthetic images, if they are released (a diagnostic)",
            owns="the example, the captioner, and captions of the other examples to tell rare ones by",
            surface="captions",
        )

    def score(self, evidence: ReleaseEvidence, *, context: Context) -> ReleaseOutcome:
        """Return the log likelihood ratio of examples whose caption was released, and a similarity less 2 of others.

        Raises:
            NotApplicableError: no prompts were released, the examples have none, or they do not follow from the images.
        """
        if evidence.caption_basis != "image":
            raise NotApplicableError(_NOT_OF_THE_IMAGE[evidence.caption_basis])
        captions, released = np.array(evidence.prompts, dtype=object), evidence.released_prompts
        if not released or not len(captions):
            raise NotApplicableError(
                "the attack 'caption-match' was given no captions; use it on a method that captions images"
            )
        common = Counter(evidence.prompts)
        shares = np.array([common[text] / len(captions) for text in captions])
        known = set(released)
        found = np.array([text in known for text in captions])
        scores = np.empty(len(captions))
        scores[found] = match_scores(shares[found], released=len(released))
        scores[~found] = similarities(captions[~found].tolist(), sorted(known)) - 2
        context.progress(1.0)
        return ReleaseOutcome(scores)


def match_scores(shares: Floats, *, released: int) -> Floats:
    """Return -log of the chance that a caption borne by a share of all images (n,) is among that many released ones.

    >>> np.exp(match_scores(np.array([0.01, 0.5, 1.0]), released=2)).round(2).tolist()  # 1 / 0.0199, 1 / 0.75, 1
    [50.25, 1.33, 1.0]
    """
    with np.errstate(divide="ignore"):  # log 0 where all images bear it: it is found for certain
        missed = np.exp(released * np.log1p(-shares))
    scores: Floats = -np.log1p(-missed)
    return scores + 0.0  # no -0


def similarities(queries: Sequence[str], among: Sequence[str]) -> Floats:
    """Return the largest TF-IDF cosine of the words of each text (n,) with those of any of the others, 0 to 1.

    Words are weighed by how rare they are in all these texts, each text counting once.

    >>> similarities(["a dog", "the cat", "dog a"], ["a dog", "a bird"]).round(3).tolist()
    [1.0, 0.0, 1.0]
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not len(queries):
        return np.empty(0)
    texts = sorted(set(queries))  # in an order of their own, and each once
    vectorizer = TfidfVectorizer(analyzer=words).fit(sorted({*texts, *among}))
    rows, columns = vectorizer.transform(texts), vectorizer.transform(among).T.tocsc()
    nearest: dict[str, float] = {}
    for start in range(0, len(texts), _QUERIES):
        cosines = (rows[start : start + _QUERIES] @ columns).max(axis=1).toarray()[:, 0]
        nearest |= zip(texts[start : start + _QUERIES], np.minimum(cosines, 1.0), strict=True)
    return np.array([nearest[text] for text in queries], dtype=np.float64)


def words(text: str) -> list[str]:
    """Return the words of a text, those of one letter too; a text without any is a word itself.

    >>> words("Dog: a 1950s dog!"), words("?!")
    (['dog', 'a', '1950s', 'dog'], ['?!'])
    """
    return re.findall(r"\w+", text.lower()) or [text]


CAPTION_MATCH = AttackComponent(
    "caption-match",
    version="2",
    options=NoOptions,
    load=lambda _options: CaptionMatchAttack(),
    summary="whether the example's caption is among the prompts, should they be released; rare ones tell more",
    surface="captions",
)
