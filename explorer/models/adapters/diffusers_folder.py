"""Autoencoders saved by diffusers: a folder of `config.json` and `diffusion_pytorch_model.safetensors`, or a pipeline that holds one.

The configuration is read here first, and only the classes below are ever made; nothing in such a folder is run. Codes are counted
in the units in which latent diffusion works, z = (h - shift_factor) * scaling_factor (Rombach et al. 2022, arXiv 2112.10752): in
these codes of pictures have about unit variance, so that a standard normal prior means something, though none was trained. A quantised
model counts in the spread of its codebook's entries, and its encoder gives the entries themselves: what is decoded is never anything else.
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.core.errors import CheckpointError
from explorer.core.model import Card, Model
from explorer.models.adapters.adapter import Adapter, Source, card_for
from explorer.models.adapters.assembled import Units, assemble
from explorer.models.adapters.needed import package
from explorer.models.adapters.pictures import CHANNELS, Pictures
from explorer.models.weights import hashed, in_memory, read_header

__all__ = ["ADAPTER"]

CLASSES = {"AutoencoderKL": "block_out_channels", "AutoencoderTiny": "encoder_block_out_channels", "VQModel": "block_out_channels"}
PARTS = ("", "vae", "vqvae", "movq")  # where a pipeline keeps its autoencoder
WEIGHTS = "diffusion_pytorch_model"
MOST_CONFIG = 1 << 20
MOST_NUMBERS = 1 << 14  # in a code: the size that pictures have unless the spec asks for another
USUAL_SIDE = 256  # where the configuration names none


def recognises(source: Source) -> bool:
    return source.path.is_dir() and (any(_class_name(source.path / part) for part in PARTS) or (source.path / "model_index.json").is_file())


def card(source: Source) -> Card:
    _, config = _configuration(source)
    shape, size, notes = _geometry(source, config)
    said = (
        "It was trained to rebuild pictures, not to draw from a prior: random codes give textures, codes of photos give pictures.",
        *notes,
    )
    kept = {"class": config["_class_name"], "height": size[0], "width": size[1], "channels": config.get("out_channels", 3)}
    return card_for(source, "diffusers", latent=shape, config=kept, notes=said)


def weigh(source: Source) -> int:
    return sum(in_memory(read_header(file)) for file in _weights(_configuration(source)[0]))


def load(source: Source, device: torch.device) -> Model:
    folder, config = _configuration(source)
    files = _weights(folder)
    for file in files:
        read_header(file)
    described = card(source).but(weights=hashed((folder / "config.json", *files)))
    net = _network(source, folder, config["_class_name"], variant="fp16" if ".fp16." in files[0].name else None).to(device)
    pictures = Pictures((described.config["channels"], described.config["height"], described.config["width"]))
    encode = (lambda x: net.quantize(net.encode(x).latents)[0]) if config["_class_name"] == "VQModel" else net.encode
    units = _units(net, config, device)
    return assemble(described, decode=lambda h: net.decode(h, return_dict=False)[0], encode=encode, pictures=pictures, units=units)


def _network(source: Source, folder: Path, name: str, *, variant: str | None) -> Any:
    """The network with every weight of its files. diffusers itself would only warn of missing ones."""
    kind = getattr(package("diffusers", needed_by=f"'{source.path.name}', a folder saved by diffusers,"), name)
    options = {"use_safetensors": True, "local_files_only": True, "low_cpu_mem_usage": False, "torch_dtype": torch.float32}
    try:
        net, found = kind.from_pretrained(folder, output_loading_info=True, variant=variant, **options)
    except Exception as error:  # whatever a stranger's configuration does to diffusers, the folder is to blame
        raise CheckpointError(
            f"'{source.path.name}' does not hold the {name} its configuration describes: {str(error).splitlines()[0][:300]}"
        ) from error
    for what in ("missing_keys", "unexpected_keys"):
        if keys := sorted(found[what]):
            words = what.removesuffix("_keys")
            raise CheckpointError(f"The weights in '{source.path.name}' do not fit its {name}: {len(keys)} {words}, as {', '.join(keys[:3])}.")
    return net.eval().requires_grad_(False)


def _class_name(folder: Path) -> str | None:
    """The class that a folder's configuration names, None where it is no configuration of diffusers."""
    try:
        found = _read(folder / "config.json").get("_class_name")
    except (OSError, CheckpointError):
        return None
    return found if isinstance(found, str) else None


def _read(file: Path) -> dict[str, Any]:
    if file.stat().st_size > MOST_CONFIG:
        raise CheckpointError(f"'{file}' is too long for a configuration: expected at most {MOST_CONFIG} bytes.")
    try:
        values = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"'{file}' is not JSON: {error}.") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"'{file}' must hold a JSON object, got {type(values).__name__}.")
    return values


def _configuration(source: Source) -> tuple[Path, dict[str, Any]]:
    """The folder of the autoencoder and its configuration. Raises CheckpointError for a class that is not one of ours to open."""
    named = {part: name for part in PARTS if (name := _class_name(source.path / part))}
    part = next((part for part, name in named.items() if name in CLASSES), None)
    if part is None:
        what = f"a {next(iter(named.values()))}" if named else "a pipeline without an autoencoder"
        raise CheckpointError(f"'{source.path.name}' holds {what}. Of what diffusers saves, these can be opened: {', '.join(CLASSES)}.")
    return source.path / part, _read(source.path / part / "config.json")


def _weights(folder: Path) -> list[Path]:
    """The files of the weights, one or several. Raises CheckpointError without safetensors."""
    for stem in (WEIGHTS, f"{WEIGHTS}.fp16"):
        if (folder / f"{stem}.safetensors").is_file():
            return [folder / f"{stem}.safetensors"]
    index = folder / f"{WEIGHTS}.safetensors.index.json"
    if index.is_file():
        names = sorted({str(name) for name in _read(index).get("weight_map", {}).values()})
        if names and all(Path(name).name == name and (folder / name).is_file() for name in names):
            return [folder / name for name in names]
    if (folder / f"{WEIGHTS}.bin").is_file():
        raise CheckpointError(
            f"'{folder.name}' holds its weights only as a Python pickle ({WEIGHTS}.bin). Opening one can run any program it contains, so it is "
            f"refused. Saving the model again with `save_pretrained` writes {WEIGHTS}.safetensors."
        )
    raise CheckpointError(f"'{folder.name}' has a configuration but no weights: expected {WEIGHTS}.safetensors.")


def _geometry(source: Source, config: dict[str, Any]) -> tuple[tuple[int, int, int], tuple[int, int], list[str]]:
    """The shape of a code, the (H, W) of a picture, and what is to be said about them."""
    name = config["_class_name"]
    channels = config.get("latent_channels", 4)
    if name == "VQModel":
        channels = config.get("vq_embed_dim") or config.get("latent_channels", 3)
    widths, side = config.get(CLASSES[name]), config.get("sample_size")
    if not isinstance(widths, list) or not widths or not isinstance(channels, int) or channels < 1:
        raise CheckpointError(f"The configuration of '{source.path.name}' should give '{CLASSES[name]}' as a list and the channels of its codes.")
    if config.get("out_channels", 3) not in CHANNELS:
        raise CheckpointError(f"'{source.path.name}' draws pictures of {config['out_channels']} channels; expected 1 (grey), 3 (colour) or 4.")
    factor, notes = 2 ** (len(widths) - 1), []
    own = (side, side) if isinstance(side, int) else tuple(side) if isinstance(side, list) and len(side) == 2 else (USUAL_SIDE, USUAL_SIDE)
    size = source.spec.size or own
    if any(not isinstance(s, int) or s < factor or s % factor for s in size):
        raise CheckpointError(f"'{source.path.name}' draws pictures whose sides are multiples of {factor}, got {list(size)}.")
    while not source.spec.size and channels * size[0] * size[1] // factor**2 > MOST_NUMBERS and all(s % (2 * factor) == 0 for s in size):
        size = (size[0] // 2, size[1] // 2)
    if size != own and not source.spec.size:
        notes.append(f'Made for {own[0]}×{own[1]} pixels, drawn at {size[0]}×{size[1]} to stay quick; a spec with "size" asks for another.')
    return (channels, size[0] // factor, size[1] // factor), (size[0], size[1]), notes


def _units(net: Any, config: dict[str, Any], device: torch.device) -> Units:
    """The units of latent diffusion; for a quantised model, those of its codebook's entries, which have mean 0 and variance 1 in them."""

    def spread(values: Any) -> Tensor:
        return torch.as_tensor(values, dtype=torch.float32, device=device).view(-1, 1, 1)

    if config["_class_name"] == "VQModel":
        entries = net.quantize.embedding.weight
        return Units(scale=1 / spread(entries.std(dim=0)).clamp_min(1e-6), shift=spread(entries.mean(dim=0)))
    scale, shift = config.get("scaling_factor") or 1.0, config.get("shift_factor") or 0.0
    if config.get("latents_mean") and config.get("latents_std"):
        return Units(scale=scale / spread(config["latents_std"]), shift=spread(config["latents_mean"]))
    return Units(float(scale), float(shift))


ADAPTER = Adapter("a folder saved by diffusers (AutoencoderKL, AutoencoderTiny, VQModel)", recognises, card, weigh, load)
