"""Files of the official code and folders of CaBRNet: what was saved is what is loaded, and nothing in a file is ever run."""

import io
import os
import pickle
import sys
import zipfile
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from explorer import checkpoints
from explorer.core.errors import CheckpointError
from explorer.core.prototypes import matches
from explorer.models.adapters import pickles
from explorer.models.adapters.prototype_files import DEVIATION, MEAN, cabrnet, official

SIZE = 64


class BasicBlock(nn.Module):
    def __init__(self, inside, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inside, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.downsample = None
        if stride != 1 or inside != width:
            self.downsample = nn.Sequential(nn.Conv2d(inside, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    def __init__(self, inside, width, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inside, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, 2 * width, 1, bias=False), nn.BatchNorm2d(2 * width)
        self.relu = nn.ReLU()
        self.downsample = nn.Sequential(nn.Conv2d(inside, 2 * width, 1, stride, bias=False), nn.BatchNorm2d(2 * width))

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn3(self.conv3(self.relu(self.bn2(self.conv2(out)))))
        return self.relu(out + self.downsample(x))


class ResNet_features(nn.Module):  # noqa: N801 - as it is called there
    def __init__(self, block):
        super().__init__()
        self.conv1, self.bn1, self.relu = nn.Conv2d(3, 8, 7, 2, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        out = 16 if block is Bottleneck else 8
        self.layer1 = nn.Sequential(block(8, 8, 1), block(out, 8, 1))
        self.layer2 = nn.Sequential(block(out, 8, 2))
        self.out = out

    def forward(self, x):
        return self.layer2(self.layer1(self.maxpool(self.relu(self.bn1(self.conv1(x))))))


class VGG_features(nn.Module):  # noqa: N801
    def __init__(self, normed):
        super().__init__()
        layers, inside = [], 3
        for width in (6, "M", 8, 8, "M", 8, "M"):
            if width == "M":
                layers.append(nn.MaxPool2d(2, 2))
                continue
            layers += [nn.Conv2d(inside, width, 3, padding=1), *([nn.BatchNorm2d(width)] if normed else []), nn.ReLU(inplace=True)]
            inside = width
        self.features, self.out = nn.Sequential(*layers), 8

    def forward(self, x):
        return self.features(x)


class PPNet(nn.Module):
    def __init__(self, features, *, classes=3, per_class=2, depth=5, bias=False):
        super().__init__()
        self.img_size, self.epsilon, self.num_classes = SIZE, 1e-4, classes
        self.prototype_activation_function = "log"
        self.features = features
        self.add_on_layers = nn.Sequential(nn.Conv2d(features.out, depth, 1), nn.ReLU(), nn.Conv2d(depth, depth, 1), nn.Sigmoid())
        self.prototype_vectors = nn.Parameter(torch.rand(classes * per_class, depth, 1, 1))
        self.ones = nn.Parameter(torch.ones(classes * per_class, depth, 1, 1), requires_grad=False)
        self.last_layer = nn.Linear(classes * per_class, classes, bias=bias)
        self.prototype_class_identity = F.one_hot(torch.arange(classes * per_class) % classes, classes).float()

    def forward(self, x):
        z = self.add_on_layers(self.features(x))
        squared = F.conv2d(z**2, self.ones)
        inner = F.conv2d(z, self.prototype_vectors)
        length = (self.prototype_vectors**2).sum(dim=(1, 2, 3)).view(-1, 1, 1)
        d = F.relu(squared - 2 * inner + length)
        least = -F.max_pool2d(-d, d.shape[2:]).flatten(1)
        return self.last_layer(torch.log((least + 1) / (least + self.epsilon)))


class STProtoPNet(nn.Module):
    def __init__(self, features, *, classes=3, per_class=2, depth=5):
        super().__init__()
        self.img_size, self.features = SIZE, features
        for name in ("trivial", "support"):
            setattr(self, f"add_on_layers_{name}", nn.Sequential(nn.Conv2d(features.out, depth, 1), nn.Conv2d(depth, depth, 1)))
            setattr(self, f"prototype_vectors_{name}", nn.Parameter(torch.rand(classes * per_class, depth, 1, 1)))
            setattr(self, f"last_layer_{name}", nn.Linear(classes * per_class, classes, bias=False))
        self.prototype_class_identity = F.one_hot(torch.arange(classes * per_class) // per_class, classes).float()

    def forward(self, x):
        inside, total = self.features(x), 0
        if not isinstance(self.features, VGG_features):
            inside = F.interpolate(inside, scale_factor=2, mode="bilinear", align_corners=False)
        for name in ("trivial", "support"):
            z = F.normalize(getattr(self, f"add_on_layers_{name}")(inside), dim=1)
            p = F.normalize(getattr(self, f"prototype_vectors_{name}"), dim=1)
            total = total + getattr(self, f"last_layer_{name}")(F.relu(F.conv2d(z, p)).amax(dim=(2, 3)))
        return total


HOMES = {"model": (PPNet, STProtoPNet), "resnet_features": (ResNet_features, BasicBlock, Bottleneck), "vgg_features": (VGG_features,)}


@pytest.fixture
def homes(monkeypatch):
    """Modules of the names that the official code has, where its classes live while they are pickled; gone when they are read."""

    def saved(net, file, **how):
        for name, members in HOMES.items():
            sys.modules[name] = ModuleType(name)
            for member in members:
                monkeypatch.setattr(member, "__module__", name)
                setattr(sys.modules[name], member.__name__, member)
        torch.save(net, file, **how)
        for name in HOMES:
            del sys.modules[name]
        return file

    yield saved
    for name in HOMES:
        sys.modules.pop(name, None)


def ready(net, seed: int = 0):
    """With batch statistics of some data, as after training."""
    net.train()
    with torch.no_grad():
        for k in range(3):
            net(torch.randn(8, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(seed + k)))
    return net.eval()


X = torch.rand(4, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(9)) * 2 - 1
NORMAL = ((X + 1) / 2 - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(DEVIATION).view(1, 3, 1, 1)
NETS = {
    "resnet": lambda: PPNet(ResNet_features(BasicBlock)), "bottleneck": lambda: PPNet(ResNet_features(Bottleneck)),
    "vgg": lambda: PPNet(VGG_features(False)), "vgg-bn": lambda: PPNet(VGG_features(True)), "bias": lambda: PPNet(VGG_features(True), bias=True),
    "st-resnet": lambda: STProtoPNet(ResNet_features(BasicBlock)), "st-vgg": lambda: STProtoPNet(VGG_features(True)),
}  # fmt: skip


@pytest.fixture(params=NETS)
def net(request):
    torch.manual_seed(0)
    return ready(NETS[request.param]())


@torch.no_grad()
def agrees(model, net) -> None:
    found, expected = model.prototypes.logits(X)["class"], net(NORMAL)
    assert (found - expected).abs().max() <= 1e-5 * max(1.0, float(expected.abs().max())) and expected.std() > 1e-3
    parts = model.prototypes
    rows = parts.head.contributions(matches(parts.similarities(parts.described(X))).scores).sum(dim=2)
    assert ((rows - found).abs() <= 1e-5 * found.abs().clamp_min(1)).all()


@pytest.mark.filterwarnings("ignore:Couldn.t retrieve source")
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before-1.6"])
def test_a_pickled_module_gives_the_same_logits(net, homes, tmp_path, zipped):
    file = homes(net, tmp_path / "30push0.7825.pth", _use_new_zipfile_serialization=zipped)
    model = official(file)
    agrees(model, net)
    assert [p.owner for p in model.prototypes.prototypes][:6] == net.prototype_class_identity.argmax(dim=1).tolist()
    assert not model.prototypes.prototypes[0].inferred and model.prototypes.picture_shape == (3, SIZE, SIZE)


def test_a_dictionary_of_weights_does_too_and_says_that_owners_are_guesses(net, tmp_path):
    torch.save(net.state_dict(), tmp_path / "weights.pth")
    model = official(tmp_path / "weights.pth", size=SIZE, classes=("a", "b", "c"))
    agrees(model, net)
    assert all(p.inferred for p in model.prototypes.prototypes) and model.prototypes.classes == ("a", "b", "c")


def test_what_was_read_is_saved_as_a_checkpoint_of_ours(net, homes, tmp_path):
    model = official(homes(net, tmp_path / "net.pth"))
    config, state = model.prototypes.saved()
    checkpoints.save(tmp_path / "ours.safetensors", model.card.but(config=config), state)
    agrees(checkpoints.load(tmp_path / "ours.safetensors"), net)


@pytest.mark.parametrize("name", ["vgg", "resnet", "bottleneck"])
def test_what_lies_outside_the_field_does_not_count(name):
    torch.manual_seed(0)
    net = ready(NETS[name]())
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        torch.save(net.state_dict(), Path(folder) / "net.pth")
        parts = official(Path(folder) / "net.pth", size=SIZE).prototypes
    with torch.inference_mode():
        whole = parts.similarities(parts.described(X))
        top, left, bottom, right = parts.field(0, 0)
        hidden = torch.zeros_like(X)
        hidden[..., top:bottom, left:right] = X[..., top:bottom, left:right]
        assert (parts.similarities(parts.described(hidden))[..., 0, 0] - whole[..., 0, 0]).abs().max() <= 1e-5


class Canary:
    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


@pytest.mark.parametrize("wrapped", [True, False], ids=["in-zip", "plain"])
def test_a_malicious_pickle_never_runs(tmp_path, wrapped):
    sung = tmp_path / "sung"
    for call, *arguments in (
        (os.system, f"touch {sung}"), (eval, f"open({str(sung)!r}, 'w')"), (exec, f"open({str(sung)!r}, 'w')"), (open, str(sung), "w"),
        (getattr, "x", "upper"), (torch.load, str(sung)), (torch.hub.load, "a/b", "c"), (__import__, "this"),
    ):  # fmt: skip
        net = {"prototype_vectors": Canary(call, *arguments)}
        file = tmp_path / "net.pth"
        if wrapped:
            with zipfile.ZipFile(file, "w") as archive:
                archive.writestr("net/data.pkl", pickle.dumps(net, protocol=2))
                archive.writestr("net/version", "3")
        else:
            file.write_bytes(pickle.dumps(pickles.LEGACY, protocol=2) + pickle.dumps(net, protocol=2))
        with pytest.raises(CheckpointError, match="refused: it asks for"):
            official(file)
        assert not sung.exists()


def test_a_module_that_was_tampered_with_is_refused_as_a_whole(homes, tmp_path):
    net = ready(PPNet(VGG_features(False)))
    net.extra = Canary(os.system, f"touch {tmp_path / 'sung'}")
    with pytest.raises(CheckpointError, match="system"):
        official(homes(net, tmp_path / "net.pth"))
    assert not (tmp_path / "sung").exists()


def test_the_machine_hands_out_nothing_that_can_be_changed_or_called():
    machine = pickles._Machine(io.BytesIO(b""))
    for module, name in (
        ("os", "system"),
        ("builtins", "getattr"),
        ("torch", "load"),
        ("torch.nn.modules.module", "_wrap"),
        ("model", "os.system"),
        ("torch._utils", "x"),
    ):
        with pytest.raises(pickle.UnpicklingError):
            machine.find_class(module, name)
    linear = machine.find_class("torch.nn.modules.linear", "Linear")
    assert issubclass(linear, pickles.Stub) and not issubclass(linear, nn.Module)
    for found in pickles.SAFE.values():
        with pytest.raises((AttributeError, TypeError)):
            found.anything = 1


def test_tensors_that_lie_are_refused(tmp_path):
    net = {"prototype_vectors": torch.zeros(4, 2, 1, 1), "last_layer.weight": torch.zeros(2, 4)}
    torch.save(net, tmp_path / "good.pth")
    with zipfile.ZipFile(tmp_path / "good.pth") as good, zipfile.ZipFile(tmp_path / "short.pth", "w") as short:
        for name in good.namelist():
            short.writestr(name, good.read(name)[:8] if "/data/" in name else good.read(name))
    with pytest.raises(CheckpointError, match="should have .* bytes, got 8"):
        official(tmp_path / "short.pth")
    machine = pickles._Views()
    storage = pickles._Storage("0", torch.float32, 4)
    for offset, size, stride in ((0, (5,), (1,)), (2, (2, 2), (2, 1)), (-1, (1,), (1,)), (0, (2,), (-1,))):
        with pytest.raises(pickle.UnpicklingError, match="beyond"):
            machine(storage, offset, size, stride)


def test_what_is_something_else_is_named(tmp_path):
    (tmp_path / "text.pth").write_text("no pickle at all")
    with pytest.raises(CheckpointError, match="text.pth"):
        official(tmp_path / "text.pth")
    torch.save({"weights": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="no 'prototype_vectors'"):
        official(tmp_path / "other.pth")
    torch.save({"prototype_vectors": torch.zeros(4, 2, 3, 3), "last_layer.weight": torch.zeros(2, 4)}, tmp_path / "large.pth")
    with pytest.raises(CheckpointError, match="one cell"):
        official(tmp_path / "large.pth")


ARCH = """
top_arch: {{module: cabrnet.archs.generic.model, name: {name}}}
extractor:
  backbone: {{arch: resnet18, layer: layer4, weights: null}}
  add_on:
    init_mode: DEFAULT
    conv1: {{type: Conv2d, params: {{out_channels: 5, kernel_size: 1}}}}
    relu1: {{type: ReLU}}
    conv2: {{type: Conv2d, params: {{out_channels: 5, kernel_size: 1}}}}
    sigmoid1: {{type: Sigmoid}}
similarity: {{name: {similarity}}}
classifier: {{module: cabrnet.archs.protopnet.decision, name: ProtoPNetClassifier, params: {{num_classes: 3, num_proto_per_class: 2}}}}
"""


def a_folder(folder, net, *, keep=None, name="ProtoPNet", similarity="LegacyProtoPNetSimilarity"):
    """A folder as CaBRNet lays it out, of the prototypes `keep`."""
    keep = torch.arange(6) if keep is None else keep
    named = {"0": "conv1", "2": "conv2"}
    state = {f"extractor.convnet.{key}": t for key, t in net.features.state_dict().items()}
    state |= {f"extractor.add_on.{named[key[0]]}{key[1:]}": t for key, t in net.add_on_layers.state_dict().items()}
    state |= {
        "classifier.prototypes": net.prototype_vectors.detach()[keep], "classifier.proto_class_map": net.prototype_class_identity[keep],
        "classifier.last_layer.weight": net.last_layer.weight.detach()[:, keep],
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    torch.save(state, folder / "model_state.pth")
    (folder / "model_arch.yml").write_text(ARCH.format(name=name, similarity=similarity))
    (folder / "dataset.yml").write_text(f"test_set:\n  params:\n    transform:\n      Resize: {{size: [{SIZE}, {SIZE}]}}\n")
    (folder / "projection_info.csv").write_text("img_idx,h,w,score\n" + "\n".join(f"{7 * j},{j},{j + 1},0.{j}" for j in range(len(keep))))
    (folder / "state.pickle").write_bytes(pickle.dumps(Canary(os.system, f"touch {folder / 'sung'}")))
    return folder


@pytest.mark.parametrize("similarity", ["LegacyProtoPNetSimilarity", "ProtoPNetSimilarity"])
def test_a_folder_of_cabrnet(tmp_path, similarity):
    torch.manual_seed(0)
    net = ready(PPNet(ResNet_features(BasicBlock)))
    model = cabrnet(a_folder(tmp_path / "saved", net, similarity=similarity))
    agrees(model, net)
    second = model.prototypes.prototypes[1]
    assert second.owner == 1 and (second.source.picture, second.source.row, second.source.column) == (7, 1, 2)
    assert not (tmp_path / "saved" / "sung").exists()


def test_a_pruned_folder_has_the_size_of_its_weights(tmp_path):
    torch.manual_seed(0)
    net, keep = ready(PPNet(ResNet_features(BasicBlock))), torch.tensor([0, 2, 3, 5])
    model = cabrnet(a_folder(tmp_path / "pruned", net, keep=keep))
    whole = cabrnet(a_folder(tmp_path / "whole", net))
    with torch.inference_mode():
        cut = whole.prototypes.changed(keep=keep).logits(X)["class"]
        assert len(model.prototypes.prototypes) == 4 and torch.allclose(model.prototypes.logits(X)["class"], cut, atol=1e-5)


def test_folders_that_are_something_else(tmp_path):
    torch.manual_seed(0)
    net = ready(PPNet(ResNet_features(BasicBlock)))
    with pytest.raises(CheckpointError, match="ProtoTree"):
        cabrnet(a_folder(tmp_path / "tree", net, name="ProtoTree"))
    with pytest.raises(CheckpointError, match="CosineSimilarity"):
        cabrnet(a_folder(tmp_path / "cosine", net, similarity="CosineSimilarity"))
    with pytest.raises(CheckpointError, match=r"no model_arch.yml and no model_state.pth"):
        cabrnet(tmp_path)
    folder = a_folder(tmp_path / "evil", net)
    (folder / "model_arch.yml").write_text("!!python/object/apply:os.system ['touch sung']")
    with pytest.raises(CheckpointError, match="not YAML"):
        cabrnet(folder)
