"""Models that no one here wrote, as other programs save them: untrained, small, and of every format that can be opened."""

from pathlib import Path

import torch


def autoencoder_kl(folder: Path, **changes) -> Path:
    """A folder that diffusers saved: pictures of 32 px, codes of 4×8×8."""
    from diffusers import AutoencoderKL

    torch.manual_seed(0)
    widths = (8, 16, 16)
    down, up = ("DownEncoderBlock2D",) * 3, ("UpDecoderBlock2D",) * 3
    options = {"latent_channels": 4, "sample_size": 32, "norm_num_groups": 4} | changes
    AutoencoderKL(down_block_types=down, up_block_types=up, block_out_channels=widths, **options).save_pretrained(folder)
    return folder


def vq_model(folder: Path) -> Path:
    """A quantised autoencoder that diffusers saved: pictures of 32 px, codes of 3×16×16."""
    from diffusers import VQModel

    torch.manual_seed(0)
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2, "block_out_channels": (8, 16)}
    VQModel(**blocks, norm_num_groups=4, latent_channels=3, sample_size=32, num_vq_embeddings=64, vq_embed_dim=3).save_pretrained(folder)
    return folder


def autoencoder_tiny(folder: Path) -> Path:
    """A distilled autoencoder that diffusers saved; it names no size."""
    from diffusers import AutoencoderTiny

    torch.manual_seed(0)
    AutoencoderTiny(encoder_block_out_channels=(8,) * 4, decoder_block_out_channels=(8,) * 4).save_pretrained(folder)
    return folder
