"""Closed-form factorisation: the directions that change most what a generator computes first, or what it draws.

    max |A n| over unit n:   the eigenvectors of A^T A                          (SeFa)
    max E |J(z) n|^2:        the eigenvectors of E[J(z)^T J(z)]                 (averaged Jacobian)

A is the first affine map that acts on the code (for style models the style maps of chosen layers, one below the other); J the
derivative of the whole generator. The first needs weights alone but sees one layer; the second sees all of them, and is the
same for a linear generator. The published code of SeFa scales every row of A to length 1 first: `normalise_rows`.

References: Shen & Zhou, Closed-Form Factorization of Latent Semantics in GANs (2021, arXiv 2007.06600).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from explorer.core.direction import Direction, Straight
from explorer.core.errors import DataError
from explorer.core.space import LatentSpace

__all__ = ["averaged_jacobian", "gram", "local_jacobian", "of_gram", "sefa"]


def sefa(weight: Tensor, space: LatentSpace, *, count: int, normalise_rows: bool = False) -> list[Direction]:
    """The `count` directions that the affine map `weight` `(F, D)` stretches most.

    Raises:
        DataError: a weight of another width, or more directions than there are coordinates.
    """
    if weight.ndim != 2 or weight.shape[1] != space.size:
        raise DataError(f"The first affine map must take codes of {space.size} numbers, got weights of shape {tuple(weight.shape)}.")
    rows = weight.double()
    if normalise_rows:
        rows = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-12)
    return of_gram(rows.T @ rows, space, count, "sefa", {"rows": len(rows), "normalised_rows": normalise_rows})


def averaged_jacobian(decode: Callable[[Tensor], Tensor], codes: Tensor, space: LatentSpace, *, count: int) -> list[Direction]:
    """The `count` directions that change what `decode` draws most, on average over flat codes `(N, D)`."""
    return of_gram(gram(decode, codes), space, count, "jacobian", {"codes": len(codes)})


def local_jacobian(decode: Callable[[Tensor], Tensor], code: Tensor, space: LatentSpace, *, count: int) -> list[Direction]:
    """The `count` directions that change the picture of one code `(D,)` most, there."""
    return of_gram(gram(decode, code[None]), space, count, "local jacobian", {"codes": 1})


def gram(decode: Callable[[Tensor], Tensor], codes: Tensor, *, report: Callable[[int, int], None] = lambda done, of: None) -> Tensor:
    """E[J^T J] `(D, D)` over flat codes `(N, D)`, by forward-mode derivatives, a code at a time."""
    total = torch.zeros(codes.shape[1], codes.shape[1], dtype=torch.float64)
    for i, code in enumerate(codes):
        report(i, len(codes))
        columns = _columns(decode, code)
        total += (columns @ columns.T).double().cpu()
    return total / len(codes)


def _columns(decode: Callable[[Tensor], Tensor], code: Tensor) -> Tensor:
    """The derivative of the picture by each coordinate, `(D, pixels)`."""
    axes = torch.eye(len(code), device=code.device, dtype=code.dtype)
    _, columns = torch.func.jvp(decode, (code.expand(len(code), -1).contiguous(),), (axes,))  # one copy of the code for each axis
    return columns.flatten(1)


def of_gram(matrix: Tensor, space: LatentSpace, count: int, method: str, settings: dict) -> list[Direction]:
    """The leading eigenvectors of a matrix `(D, D)`, largest first. Raises DataError for a zero matrix or more than D."""
    if not 1 <= count <= space.size:
        raise DataError(f"Space '{space.name}' has 1 to {space.size} orthogonal directions, got {count}.")
    values, vectors = (part.flip(-1) for part in torch.linalg.eigh(matrix))
    values = values.clamp_min(0)
    if float(values[0]) == 0:
        raise DataError("The generator ignores the code: no direction changes anything.")
    return [
        Direction(
            f"factor {k + 1}", method, space, Straight((vector * vector[vector.abs().argmax()].sign()).float()),
            settings=settings | {"eigenvalue": float(values[k]), "share": float(values[k] / values.sum())},
        )
        for k, vector in enumerate(vectors.T[:count])
    ]  # fmt: skip
