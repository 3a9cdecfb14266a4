"""The garment network: a small U-Net with a strided stem, residual blocks and a look at the whole picture."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

_DETAIL_CHANNELS = 12


def _convolution(inputs: int, outputs: int, size: int = 3, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU; keeps the size unless strided."""
    padding = dilation * (size // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class _Residual(nn.Module):
    """Two convolutions beside a shortcut (He et al., "Deep residual learning", CVPR 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.second(self.first(x)))


class _Context(nn.Module):
    """Dilated branches and the mean of the picture (Chen et al., "Rethinking atrous convolution", 2017)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        quarter = channels // 4
        self.branches = nn.ModuleList(
            [_convolution(channels, quarter, 1), *(_convolution(channels, quarter, dilation=d) for d in (2, 4))]
        )
        self.whole = nn.Sequential(nn.Conv2d(channels, quarter, 1), nn.ReLU())
        self.join = _convolution(4 * quarter, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        whole = self.whole(x.mean((2, 3), keepdim=True)).expand(-1, -1, x.shape[2], x.shape[3])
        return x + self.join(torch.cat([branch(x) for branch in self.branches] + [whole], 1))


class GarmentNet(nn.Module):
    """Tells garment from ground.

    Attributes:
        width: Channels of the finest level.
    """

    def __init__(self, width: int = 16) -> None:
        """Make it with random weights."""
        super().__init__()
        self.width = width
        down = [width, width * 2, width * 3, width * 5, width * 6]
        up = [width, width * 3 // 2, width * 2, width * 3]
        self.stem = _convolution(3, down[0], stride=2)
        self.down4 = nn.Sequential(_convolution(down[0], down[1], stride=2), _Residual(down[1]))
        self.down8 = nn.Sequential(_convolution(down[1], down[2], stride=2), _Residual(down[2]))
        self.down16 = nn.Sequential(_convolution(down[2], down[3], stride=2), _Residual(down[3]), _Residual(down[3]))
        self.down32 = nn.Sequential(
            _convolution(down[3], down[4], stride=2), _Residual(down[4]), _Context(down[4]), _Residual(down[4])
        )
        self.up16 = _convolution(down[4] + down[3], up[3])
        self.up8 = _convolution(up[3] + down[2], up[2])
        self.up4 = _convolution(up[2] + down[1], up[1])
        self.up2 = _convolution(up[1] + down[0], up[0])
        self.half_head = nn.Conv2d(up[0], 1, 1)
        self.eighth_head = nn.Conv2d(up[2], 1, 1)
        self.detail_head = nn.Sequential(
            _convolution(up[0] + 3, _DETAIL_CHANNELS), nn.Conv2d(_DETAIL_CHANNELS, 1, 3, 1, 1)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Look at pictures.

        Args:
            x: Nx3xHxW float32, sRGB from 0 to 1; sides multiples of 32.

        Returns:
            Logits of garment at full, half and an eighth of the size, Nx1 each.
        """
        x = x * 4 - 2
        two = self.stem(x)
        four = self.down4(two)
        eight = self.down8(four)
        sixteen = self.down16(eight)
        bottom = self.down32(sixteen)
        sixteen = self.up16(torch.cat([_like(bottom, sixteen), sixteen], 1))
        eight = self.up8(torch.cat([_like(sixteen, eight), eight], 1))
        four = self.up4(torch.cat([_like(eight, four), four], 1))
        two = self.up2(torch.cat([_like(four, two), two], 1))
        half = self.half_head(two)
        full = _like(half, x) + self.detail_head(torch.cat([_like(two, x), x], 1))
        return full, half, self.eighth_head(eight)


def _like(x: Tensor, other: Tensor) -> Tensor:
    return functional.interpolate(x, size=other.shape[2:], mode="bilinear", align_corners=False)


class Probability(nn.Module):
    """The network as it is run: one output, a probability."""

    def __init__(self, net: GarmentNet) -> None:
        """Wrap a network."""
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        """Nx3xHxW to Nx1xHxW, 0 to 1."""
        return torch.sigmoid(self.net(x)[0])


def load(path: Path) -> GarmentNet:
    """Read a checkpoint."""
    weights = load_file(path)
    net = GarmentNet(len(weights["stem.0.weight"]))
    net.load_state_dict(weights)
    return net
