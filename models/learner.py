# SPDX-License-Identifier: LGPL-2.1-or-later
"""The network as it is while it learns: auxiliary heads, losses, averages."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from dataset import IGNORE
AUX_WEIGHT = 0.4
SMALLEST_SHARE = 1e-30  # whose logarithm is taken
LOVASZ_STRIDE = 3  # of the pixels that the Lovász loss looks at, each way


class Learner(nn.Module):
    """A network with the auxiliary heads that exist only in training."""

    def __init__(self, net, task, weights, lovasz=0.0, soft=0.0):
        super().__init__()
        self.net, self.lovasz, self.soft = net, lovasz, soft
        self.classes = task.classes
        self.heads = nn.ModuleList(_aux_head(channels, task.classes)
                                   for channels in net.aux_channels)
        self.register_buffer("weights", torch.tensor(weights, dtype=torch.float32))
        self.register_buffer("allowed", allowed_classes(task), persistent=False)

    def forward(self, images, labels, soft=None):
        logits, *features = self.net.forward_all(images)
        loss = self._loss(logits, labels)
        if self.soft:
            loss = loss + self.soft * self._loss_to_teacher(logits, soft)
        return loss + AUX_WEIGHT * sum(
            self._loss_at_grid(head(x), labels) for head, x in zip(self.heads, features))

    def _loss(self, logits, labels):
        logits = self._resize(logits, labels.shape[1:])
        loss = self._cross_entropy(logits, labels)
        if self.lovasz:
            known = labels.where(labels < self.classes, torch.full_like(labels, IGNORE))
            loss = loss + self.lovasz * lovasz_softmax(logits, known)
        return loss

    def _resize(self, logits, size):
        return F.interpolate(logits.float(), size, mode="bilinear",
                             align_corners=self.net.align_corners)

    def _loss_at_grid(self, logits, labels):
        """The auxiliary heads need no fine edges: labels come to their size."""
        rows, columns = (
            ((torch.arange(n, device=labels.device) + 0.5) * size / n).long()
            for n, size in zip(logits.shape[2:], labels.shape[1:]))
        return self._cross_entropy(logits.float(), labels[:, rows][:, :, columns])

    def _cross_entropy(self, logits, labels):
        """Minus the logarithm of the summed probability of the classes that a label
        allows, as much as it allows them."""
        labels = labels.long()
        known = labels != IGNORE
        labels = labels.where(known, torch.zeros_like(labels))
        with torch.autocast(logits.device.type, enabled=False):  # else it is rounded
            shares = logits.softmax(1).movedim(1, -1) @ self.allowed
        shares = shares.gather(-1, labels[..., None])[..., 0]
        losses = -shares.clamp(min=SMALLEST_SHARE).log()
        weights = self.weights[labels] * known
        # Divided by the pixels and not by their weights, so that a crop of
        # common classes does not count as much as one with rare ones.
        return (losses * weights).sum() / known.sum().clamp(min=1)

    def _loss_to_teacher(self, logits, soft):
        """Cross entropy; where a teacher says nothing, its shares are 0."""
        logs = self._resize(logits, soft.shape[2:]).log_softmax(1)
        return -(soft * logs).sum() / soft.sum().clamp(min=1)


def allowed_classes(task):
    """(C, targets): how much a target allows every class, from 0 to 1."""
    allowed = torch.zeros(task.classes, task.targets)
    allowed[:, :task.classes] = torch.eye(task.classes)
    for target, group in enumerate(task.groups, task.classes):
        for c, weight in group:
            allowed[c, target] = weight
    return allowed


def lovasz_softmax(logits, labels):
    """One minus the mean intersection over union of a batch, over the classes
    that it shows, extended to what is not yet 0 or 1 (Lovász extension; Berman,
    Triki, Blaschko, arXiv 1705.08790).

    It sorts pixels, so it takes some of them, another grid each time."""
    top, left = torch.randint(LOVASZ_STRIDE, (2,)).tolist()
    logits = logits[..., top::LOVASZ_STRIDE, left::LOVASZ_STRIDE]
    labels = labels[..., top::LOVASZ_STRIDE, left::LOVASZ_STRIDE].flatten()
    shares = logits.softmax(1).transpose(0, 1).flatten(1)  # (C, N)
    classes = torch.arange(len(shares), device=labels.device)
    truth = (labels == classes[:, None]).float()
    # An error of 0 counts nothing.
    errors = (truth - shares).abs() * (labels != IGNORE)
    errors, order = errors.sort(dim=1, descending=True)
    truth = truth.gather(1, order)
    # What 1 - IoU would be with the pixels up to each wrong, and its steps.
    total = truth.sum(1, keepdim=True)
    jaccard = 1 - (total - truth.cumsum(1)) / (total + (1 - truth).cumsum(1))
    steps = torch.cat((jaccard[:, :1], jaccard.diff(dim=1)), 1)
    shown = total[:, 0] > 0
    losses = (errors * steps).sum(1) * shown
    return losses.sum() / shown.sum().clamp(min=1)


def _aux_head(channels, classes):
    return nn.Sequential(
        nn.Conv2d(channels, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32),
        nn.ReLU(inplace=True), nn.Conv2d(32, classes, 1))


@torch.no_grad()
def start_from(net, model, rows, images):
    """Gives a network the weights of a model without batch norm, so that it
    computes the same. `rows` holds, for every class of the network, the model's
    class that it was, or None where it is new: then its weights stay.

    Training goes on with batch norm, and its statistics were not kept: it takes
    mean and deviation of what `images` make of a convolution, and puts them back
    as its own scale and shift."""
    hooks = []
    for layer in net.convs:
        mine, theirs = net.layer(layer.name), model.layer(layer.name).conv
        if isinstance(mine.bn, nn.Identity):
            for row, origin in enumerate(rows):
                if origin is not None:
                    mine.conv.weight[row] = theirs.weight[origin]
                    mine.conv.bias[row] = theirs.bias[origin]
        else:
            mine.conv.weight.copy_(theirs.weight)
            hooks.append(mine.bn.register_forward_pre_hook(_calibrate(theirs.bias)))
    net.eval()(images)
    for hook in hooks:
        hook.remove()


def _calibrate(bias):
    def hook(norm, inputs):
        variance, mean = torch.var_mean(inputs[0], (0, 2, 3), unbiased=False)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_(torch.sqrt(variance + norm.eps))
        norm.bias.copy_(mean + bias)
    return hook


class Average:
    """Exponential average of a network's weights and statistics."""

    def __init__(self, net, decay):
        self.net = copy.deepcopy(net).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, net, iteration):
        # Early weights are forgotten quickly.
        decay = min(self.decay, (1 + iteration) / (10 + iteration))
        for mine, theirs in zip(self.net.state_dict().values(),
                                net.state_dict().values()):
            if mine.is_floating_point():
                mine.lerp_(theirs, 1 - decay)
            else:
                mine.copy_(theirs)
