# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a network needs in training only: auxiliary heads, losses, averages."""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from dataset import IGNORE
AUX_WEIGHT = 0.4
SMALLEST_PROBABILITY = 1e-30  # keeps the logarithm finite
LOVASZ_STRIDE = 3  # the Lovász loss looks at every third row and column


class Learner(nn.Module):
    """A network with auxiliary heads, and its losses."""

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
            loss = loss + self.soft * self._distillation_loss(logits, soft)
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
        """Auxiliary heads need no fine edges: labels are sampled at their size."""
        rows, columns = (
            ((torch.arange(n, device=labels.device) + 0.5) * size / n).long()
            for n, size in zip(logits.shape[2:], labels.shape[1:]))
        return self._cross_entropy(logits.float(), labels[:, rows][:, :, columns])

    def _cross_entropy(self, logits, labels):
        """Minus the logarithm of the summed probabilities of the classes that a
        label allows, each with its weight."""
        labels = labels.long()
        known = labels != IGNORE
        labels = labels.where(known, torch.zeros_like(labels))
        with torch.autocast(logits.device.type, enabled=False):  # else it is rounded
            by_target = logits.softmax(1).movedim(1, -1) @ self.allowed
        probability = by_target.gather(-1, labels[..., None])[..., 0]
        losses = -probability.clamp(min=SMALLEST_PROBABILITY).log()
        weights = self.weights[labels] * known
        # Dividing by the number of pixels, not by the sum of their weights, lets
        # crops with rare classes count more.
        return (losses * weights).sum() / known.sum().clamp(min=1)

    def _distillation_loss(self, logits, soft):
        """Cross entropy against a teacher's probabilities; all 0 where there are
        none."""
        logs = self._resize(logits, soft.shape[2:]).log_softmax(1)
        return -(soft * logs).sum() / soft.sum().clamp(min=1)


def allowed_classes(task):
    """(C, targets): the weight, from 0 to 1, with which a target allows a class."""
    allowed = torch.zeros(task.classes, task.targets)
    allowed[:, :task.classes] = torch.eye(task.classes)
    for target, group in enumerate(task.groups, task.classes):
        for c, weight in group:
            allowed[c, target] = weight
    return allowed


def lovasz_softmax(logits, labels):
    """One minus the mean IoU of a batch over the classes in it, extended from class
    ids to probabilities (Lovász extension; Berman, Triki, Blaschko, arXiv
    1705.08790).

    Sorting all pixels would be slow, so each call samples a random grid of them."""
    top, left = torch.randint(LOVASZ_STRIDE, (2,)).tolist()
    logits = logits[..., top::LOVASZ_STRIDE, left::LOVASZ_STRIDE]
    labels = labels[..., top::LOVASZ_STRIDE, left::LOVASZ_STRIDE].flatten()
    probabilities = logits.softmax(1).transpose(0, 1).flatten(1)  # (C, N)
    classes = torch.arange(len(probabilities), device=labels.device)
    truth = (labels == classes[:, None]).float()
    # Pixels with an error of 0 do not count.
    errors = (truth - probabilities).abs() * (labels != IGNORE)
    errors, order = errors.sort(dim=1, descending=True)
    truth = truth.gather(1, order)
    # 1 - IoU if the pixels up to each one were wrong, and its increments.
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
    """Loads the weights of a model without batch norm into a network with batch
    norm, so that both compute the same. `rows` holds the model's class for every
    class of the network, or None if the class is new: its weights stay.

    A model file does not keep the statistics of batch norm. They are measured on
    `images` instead; scale and shift are set to cancel them."""
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


@torch.no_grad()
def without_dead_channels(net):
    """A copy in which channels without variance are constant. In training they never
    fire; folded batch norm would amplify them beyond the range of fp16 where they
    fire later."""
    net = copy.deepcopy(net)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight[module.running_var < module.eps] = 0
    return net


class Average:
    """Exponential moving average of a network's weights and statistics."""

    def __init__(self, net, decay):
        self.net = copy.deepcopy(net).eval()
        self.decay = decay

    @torch.no_grad()
    def update(self, net, iteration):
        # A short memory at first, so that the initial weights do not linger.
        decay = min(self.decay, (1 + iteration) / (10 + iteration))
        for mine, theirs in zip(self.net.state_dict().values(),
                                net.state_dict().values()):
            if mine.is_floating_point():
                mine.lerp_(theirs, 1 - decay)
            else:
                mine.copy_(theirs)
