"""The losses of photo training, each a mean over the rows that it applies to.

Symmetric InfoNCE follows CLIP (Radford et al. 2021), supervised contrast SupCon (Khosla et al.
2020), with targets spread evenly over all right answers, so that a text or photo which is right
too is never a negative.
"""

from __future__ import annotations

import torch
from torch.nn import functional

NO_LABEL = -1
"""Class of a photo whose product has no such label."""

_COARSE_SHARE = 0.5
"""Of the target of a photo that goes to photos of its kind; the rest to kind and colour."""


def image_text_loss(
    photos: torch.Tensor,
    texts: torch.Tensor,
    right: torch.Tensor,
    scale: torch.Tensor,
    *,
    asked: torch.Tensor,
) -> torch.Tensor:
    """Return the mean of photo-to-text and text-to-photo cross-entropy.

    photos: float [n, dims] of length 1. texts: float [m, dims] of length 1, each text once.
    right: bool [n, m], whether a text is one of a photo's product. scale: 1 / temperature.
    asked: bool [m], texts that also look for their photos; the others are only answers that are
    wrong for most. Every photo has a right text.
    """
    logits = scale * photos @ texts.T  # [n, m]
    to_text = spread_cross_entropy(logits, right)
    to_photo = spread_cross_entropy(logits.T[asked], right.T[asked])
    return (to_text + to_photo) / 2


def image_image_loss(
    photos: torch.Tensor, kinds: torch.Tensor, colours: torch.Tensor, scale: float
) -> torch.Tensor:
    """Return the cross-entropy of finding a photo's like among the others of the batch.

    photos: float [n, dims] of length 1. kinds, colours: int64 [n], NO_LABEL for none. Half of the
    target is spread over the photos of the kind, half over those of kind and colour.
    """
    itself = torch.eye(len(photos), dtype=torch.bool, device=photos.device)
    logits = (scale * photos @ photos.T).masked_fill(itself, -torch.inf)
    known = kinds != NO_LABEL
    same_kind = (kinds[:, None] == kinds) & known[:, None] & ~itself
    same_both = same_kind & (colours[:, None] == colours) & (colours != NO_LABEL)[:, None]
    coarse = spread_cross_entropy(logits, same_kind)
    fine = spread_cross_entropy(logits, same_both)
    return _COARSE_SHARE * coarse + (1 - _COARSE_SHARE) * fine


def spread_cross_entropy(logits: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy to targets spread evenly over each row's right answers.

    logits: float [n, m]; -inf where an answer is not allowed. right: bool [n, m]. Rows without a
    right answer are left out; with none left the loss is 0.
    """
    asking = right.any(dim=1)
    if not asking.any():
        return logits.new_zeros(())
    rows, wanted = logits[asking], right[asking]
    log_share = functional.log_softmax(rows, dim=1).masked_fill(~wanted, 0.0)
    return -(log_share.sum(dim=1) / wanted.sum(dim=1)).mean()


def label_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of a head; photos with NO_LABEL are left out.

    logits: float [n, classes]. labels: int64 [n]. 0 when no photo has a label.
    """
    if not (labels != NO_LABEL).any():
        return logits.sum() * 0.0
    return functional.cross_entropy(logits, labels, ignore_index=NO_LABEL, label_smoothing=0.1)
