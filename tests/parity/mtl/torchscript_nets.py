"""Small networks as users write them: every output type, both ways of making TorchScript, and the patterns that lowering must
know. Imported by torchscript.py; a module of its own so that source lines point into user code."""
import typing
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    """Residual, with an in-place addition."""

    def __init__(self, inside: int, out: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.short = nn.Sequential(nn.Conv2d(inside, out, 1, stride, bias=False), nn.BatchNorm2d(out))
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.act(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += self.short(x)
        return self.act(y)


class Trunk(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8, eps=0.03), nn.ReLU(inplace=True))
        self.b1 = Block(8, 12, 2)
        self.b2 = Block(12, 16, 1)

    def forward(self, x):
        return self.b2(self.b1(self.stem(x)))


class DictNet(nn.Module):
    """Dictionary output, functional interpolate to the image's size, normals by F.normalize."""

    def __init__(self):
        super().__init__()
        self.trunk = Trunk()
        self.seg = nn.Conv2d(16, 5, 1)
        self.depth = nn.Sequential(nn.Conv2d(16, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 1))
        self.normal = nn.Conv2d(16, 3, 1)

    def forward(self, x: torch.Tensor) -> typing.Dict[str, torch.Tensor]:
        size = x.shape[-2:]
        f = self.trunk(x)
        out = OrderedDict()
        out["seg"] = F.interpolate(self.seg(f), size=size, mode="bilinear", align_corners=False)
        out["depth"] = F.interpolate(self.depth(f), size=size, mode="bilinear", align_corners=False)
        n = F.interpolate(self.normal(f), scale_factor=4.0, mode="bilinear", align_corners=False)
        out["normal"] = F.normalize(n, dim=1)
        return out


class TupleNet(nn.Module):
    """Tuple output; chunk and gating, view(size(0), -1), a linear head, group norm, 1x1 attention."""

    def __init__(self):
        super().__init__()
        self.trunk = Trunk()
        self.mix = nn.Conv2d(16, 16, 3, padding=1, groups=4)
        self.gn = nn.GroupNorm(4, 16, eps=0.02)
        self.se = nn.Sequential(nn.Linear(16, 4), nn.ReLU(), nn.Linear(4, 16), nn.Sigmoid())
        self.split = nn.Conv2d(16, 24, 1)
        self.map = nn.Conv2d(12, 1, 1)
        self.fc = nn.Linear(12 * 4, 7)

    def forward(self, x: torch.Tensor) -> typing.Tuple[torch.Tensor, torch.Tensor]:
        f = F.gelu(self.gn(self.mix(self.trunk(x))))
        w = self.se(F.adaptive_avg_pool2d(f, 1).view(x.size(0), -1)).view(x.size(0), -1, 1, 1)
        a, b = self.split(f * w.expand_as(f)).chunk(2, 1)
        g = F.relu(a) * torch.sigmoid(b)
        pooled = F.adaptive_avg_pool2d(g, 2)
        return self.map(g), self.fc(pooled.view(-1, 48))


class NamedResult(typing.NamedTuple):
    logits: torch.Tensor
    edge: torch.Tensor


class NamedNet(nn.Module):
    """Named tuple; a decoder with skips (cat), transposed convolution, depthwise layers, ReLU6, dropout."""

    def __init__(self):
        super().__init__()
        self.c1 = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU6(inplace=True))
        self.c2 = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.Conv2d(8, 16, 1), nn.Hardswish())
        self.c3 = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(16, 24, 3, padding="same"), nn.PReLU(24), nn.Dropout2d(0.1))
        self.up = nn.ConvTranspose2d(24, 16, 2, 2)
        self.d2 = nn.Sequential(nn.Conv2d(32, 12, 3, padding=1), nn.LeakyReLU(0.1, inplace=True))
        self.logits = nn.Conv2d(20, 4, 1)
        self.edge = nn.Conv2d(20, 1, 1)

    def forward(self, x: torch.Tensor) -> NamedResult:
        a = self.c1(x)
        b = self.c2(a)
        c = self.up(self.c3(b))
        d = self.d2(torch.cat([c, b], 1))
        d = torch.cat([F.interpolate(d, size=[a.size(2), a.size(3)], mode="nearest"), a], dim=1)
        return NamedResult(self.logits(d), torch.tanh(self.edge(d)).abs())


class SingleNet(nn.Module):
    """One tensor; normalisation by buffers, a list of features in a loop, layer norm and attention over pixels, pixel shuffle."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.4, 0.5, 0.6]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.2, 0.3, 0.25]).view(1, 3, 1, 1))
        self.convs = nn.ModuleList([nn.Conv2d(3, 8, 4, 4), nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(16, 8, 3, padding=1)])
        self.ln = nn.LayerNorm(24, eps=0.02)
        self.qkv = nn.Linear(24, 72)
        self.proj = nn.Linear(24, 24)
        self.gamma = nn.Parameter(torch.full((24,), 0.5))
        self.out = nn.Conv2d(24, 32, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = (x - self.mean) / self.std
        features: typing.List[torch.Tensor] = []
        for i, conv in enumerate(self.convs):
            x = conv(x if i < 2 else torch.cat(features, 1))
            features.append(F.silu(x))
        f = torch.cat(features, 1)
        n, c = f.shape[:2]
        t = f.flatten(2).transpose(1, 2)
        q, k, v = self.qkv(self.ln(t)).split(24, dim=-1)
        attention = torch.softmax(torch.matmul(q, k.transpose(-2, -1)) * 24 ** -0.5, dim=-1)
        t = t + self.gamma * self.proj(torch.matmul(attention, v))
        f = f + t.mean(1).view(n, c, 1, 1)
        f = f.clamp(-3, 3) + f.mean(dim=[2, 3], keepdim=True)
        return F.pixel_shuffle(self.out(F.pad(f, [1, 1, 1, 1], mode="reflect"))[:, :, 1:-1, 1:-1], 4)


class FixedNet(nn.Module):
    """One image size only: the map is flattened into a linear layer."""

    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 4, 3, 4, 1)
        self.fc = nn.Linear(4 * 8 * 8, 3)

    def forward(self, x):
        y = F.avg_pool2d(torch.relu(self.c(x)), 1)
        return self.fc(torch.flatten(y, 1))


class PoolNet(nn.Module):
    """Pooling with the map's own size, a half-size map, min and max, instance norm."""

    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 6, 3, 2, 1)
        self.norm = nn.InstanceNorm2d(6, eps=0.02, affine=True)
        self.fc = nn.Linear(6, 2)
        self.out = nn.Conv2d(6, 2, 1)

    def forward(self, x: torch.Tensor) -> typing.List[torch.Tensor]:
        y = self.norm(self.c(x))
        p = F.avg_pool2d(y, y.size()[2:])
        half = F.interpolate(y, size=(y.size(2) // 2, y.size(3) // 2), mode="nearest")
        z = torch.max(half, -half) - torch.min(half, half * 0.5)
        return [self.fc(p.squeeze(-1).squeeze(-1)), self.out(z)]


class OpsNet(nn.Module):
    """Every other operation, its attributes away from their defaults."""

    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 8, 3, stride=(2, 1), padding=(2, 3), dilation=(2, 3))
        self.t = nn.ConvTranspose2d(8, 8, 3, stride=(2, 3), padding=1, output_padding=(1, 2), groups=2)
        self.w = nn.Parameter(torch.randn(5, 8) * 0.3)
        self.b = nn.Parameter(torch.randn(5) * 0.3)
        self.scale = nn.Parameter(torch.tensor(0.7))
        self.tracked = nn.InstanceNorm2d(8, eps=0.01, affine=True, track_running_stats=True)

    def forward(self, x: torch.Tensor) -> typing.Dict[str, torch.Tensor]:
        x = self.tracked(self.c(x)) * self.scale
        out = {"unary": F.softplus(F.hardtanh(F.hardsigmoid(x) - 0.3, -0.2, 0.4), beta=2.0, threshold=0.5)}
        y = torch.log(torch.exp(x.clamp(max=2.0)) + 1.5).sqrt().clamp_min(0.9)
        y = torch.rsub(y, 2.0, alpha=0.5).contiguous() / 0.7
        out["joined"] = torch.maximum(torch.add(y, x.detach(), alpha=0.3), x.pow(2).clone()) - torch.minimum(x, y * y).reciprocal().tanh()
        pooled = F.max_pool2d(x, 3, 2, 1, 1, ceil_mode=True)
        pooled = F.avg_pool2d(pooled, (3, 2), stride=(1, 2), padding=1, ceil_mode=True, count_include_pad=False)
        out["pooled"] = F.avg_pool2d(pooled, 3, 2, 1, divisor_override=7)
        out["up"] = F.interpolate(F.interpolate(x, scale_factor=1.5, mode="nearest"), size=[13, 17], mode="bilinear", align_corners=True)
        out["transposed"] = self.t(pooled)
        a, b, c = torch.split(x, [3, 1, 4], 1)
        d, e = torch.unbind(x.narrow(1, 2, 2), 1)
        out["parts"] = torch.stack([a.sum(1), b[:, 0], c.select(1, -2), d, e + x[:, 3:5].mean(1)], 1)
        flat = F.adaptive_max_pool2d(x, (1, 1)).squeeze(-1).squeeze(2)
        out["linear"] = torch.addmm(self.b, flat, self.w.t())
        out["rows"] = F.log_softmax(torch.matmul(x.permute(0, 2, 3, 1), self.w.t()), dim=3).sum(dim=[1, 2])
        out["argmax"] = x.argmax(dim=1)
        wide = F.pad(F.pad(x, [1, 2, 0, 1], mode="replicate"), [2, -1, 1, 0], value=0.25)
        out["pad"] = F.pad(wide, [1, 1, 2, 1], mode="circular")
        out["unflattened"] = flat.unflatten(1, [2, 4]).mean(2)
        out["normal"] = F.normalize(x[:, ::3], dim=1, eps=0.5)
        return out


# ---- what is refused


class DataFlow(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 2, 1)

    def forward(self, x):
        y = self.c(x)
        if bool(y.sum() > 0):
            y = y * 2
        return y


class ViewWrite(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        y = self.c(x)
        y[:, :2].relu_()
        return y


class SizeFlip(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 2, 1)

    def forward(self, x):
        y = self.c(x)
        if y.size(2) > 40:
            y = torch.relu(y)
        return y


class UnknownOp(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 2, 1)

    def forward(self, x):
        return torch.cumsum(self.c(x), 2)


class TrainNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 2, 1)
        self.bn = nn.BatchNorm2d(2)

    def forward(self, x):
        return self.bn(self.c(x))


class Exports(nn.Module):
    """A method beside forward that callers may use."""

    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        return self.head(self.c(x))

    def head(self, x):
        return torch.relu(x)

    @torch.jit.export
    def features(self, x):
        return self.c(x)


class UNet(nn.Module):
    """Two convolutions a level, skips by concatenation, bilinear upsampling."""

    def __init__(self, widths=(16, 32, 64, 128), classes=13):
        super().__init__()

        def double(i, o):
            return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(inplace=True),
                                 nn.Conv2d(o, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(inplace=True))

        self.down = nn.ModuleList([double(i, o) for i, o in zip((3,) + tuple(widths[:-1]), widths)])
        self.up = nn.ModuleList([double(widths[i] + widths[i - 1], widths[i - 1]) for i in range(len(widths) - 1, 0, -1)])
        self.pool = nn.MaxPool2d(2)
        self.out = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        skips: typing.List[torch.Tensor] = []
        for i, block in enumerate(self.down):
            x = block(x if i == 0 else self.pool(x))
            skips.append(x)
        for i, block in enumerate(self.up):
            skip = skips[len(skips) - 2 - i]
            x = F.interpolate(x, size=skip.shape[2:], mode="bilinear", align_corners=False)
            x = block(torch.cat([skip, x], 1))
        return self.out(x)
