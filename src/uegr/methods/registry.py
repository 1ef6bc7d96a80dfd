"""The registry: one configuration per method, with its two stages, its paper, and its own defaults of their options."""

from uegr.backward.child_tuning_d import ChildTuningD, ChildTuningDOptions
from uegr.backward.child_tuning_f import ChildTuningF, ChildTuningFOptions
from uegr.backward.l2_sp import L2SP, L2SPOptions
from uegr.backward.mixout import Mixout, MixoutOptions
from uegr.backward.roast import RoASTBackward, RoASTBackwardOptions
from uegr.backward.rose import ROSEFirst, ROSEFirstOptions, ROSEOptions, ROSESecond
from uegr.backward.sam import SAM, SAMOptions
from uegr.backward.selective import SelectiveBackward, SelectiveOptions
from uegr.forward.adversarial import AdversarialForward, AdversarialOptions
from uegr.forward.freelb import FreeLBForward, FreeLBOptions
from uegr.forward.neftune import NEFTuneForward, NEFTuneOptions
from uegr.forward.r3f import R3FForward, R3FOptions
from uegr.forward.r_drop import RDropForward, RDropOptions
from uegr.forward.roast import RoASTForward, RoASTForwardOptions
from uegr.forward.smart import SMARTForward, SMARTOptions
from uegr.forward.uegr import UEGRForward
from uegr.forward.uegr_options import UEGRForwardOptions
from uegr.methods.method_config import MethodConfig
from uegr.methods.register_method import register
from uegr.options import option


@register("plain")
class PlainConfig(MethodConfig):
    """Plain fine-tuning: cross-entropy, every weight."""


@register("fgm", forward=AdversarialForward, paper="arXiv 1605.07725")
class FGMConfig(MethodConfig, AdversarialOptions):
    """One-step adversarial sample beside the clean one."""


@register("pgd", forward=AdversarialForward, paper="arXiv 1706.06083")
class PGDConfig(MethodConfig, AdversarialOptions):
    """Only an adversarial sample: several steps from a random start."""

    ascent_steps: int = option(3, "K, the number of ascent steps", at_least=1)
    random_start: bool = option(True, "start at a random point of the ball and not at its centre")
    clean_weight: float = option(0.0, "gamma, the weight of the clean loss", at_least=0)


@register("freelb", forward=FreeLBForward, paper="arXiv 1909.11764")
class FreeLBConfig(MethodConfig, FreeLBOptions):
    """Mean loss over K ascent steps, all counted."""


@register("smart", forward=SMARTForward, paper="arXiv 1911.03437")
class SMARTConfig(MethodConfig, SMARTOptions):
    """Output must not move in a small ball."""


@register("r3f", forward=R3FForward, paper="arXiv 2008.03156")
class R3FConfig(MethodConfig, R3FOptions):
    """Output must not move under random noise."""


@register("r-drop", forward=RDropForward, paper="arXiv 2106.14448")
class RDropConfig(MethodConfig, RDropOptions):
    """Two dropout passes that must agree."""


@register("neftune", forward=NEFTuneForward, paper="arXiv 2310.05914")
class NEFTuneConfig(MethodConfig, NEFTuneOptions):
    """Uniform noise on the embeddings."""


@register("child-tuning-f", backward=ChildTuningF, paper="arXiv 2109.05687")
class ChildTuningFConfig(MethodConfig, ChildTuningFOptions):
    """A new random part of the gradient in each step."""


@register("child-tuning-d", backward=ChildTuningD, paper="arXiv 2109.05687")
class ChildTuningDConfig(MethodConfig, ChildTuningDOptions):
    """Only the weights of highest Fisher information are trained."""


@register("mixout", backward=Mixout, paper="arXiv 1909.11299")
class MixoutConfig(MethodConfig, MixoutOptions):
    """Weights swapped for pretrained ones at random."""


@register("sam", backward=SAM, paper="arXiv 2010.01412")
class SAMConfig(MethodConfig, SAMOptions):
    """Gradient at the worst weights nearby."""


@register("rose-first", backward=ROSEFirst, paper="arXiv 2210.09658")
class ROSEFirstConfig(MethodConfig, ROSEFirstOptions):
    """Matrices that depend much on dropout noise are not updated."""


@register("rose-second", backward=ROSESecond, paper="arXiv 2210.09658")
class ROSESecondConfig(MethodConfig, ROSEOptions):
    """Matrices whose gradient departs from its mean are not updated."""


@register("roast", forward=RoASTForward, backward=RoASTBackward, paper="arXiv 2312.04032")
class RoASTConfig(MethodConfig, RoASTBackwardOptions, RoASTForwardOptions):
    """Adversarial sample with a divergence to the clean one; mask drawn by importance."""


@register("l2-sp", backward=L2SP, paper="arXiv 1802.01483")
class L2SPConfig(MethodConfig, L2SPOptions):
    """Weight decay towards the pretrained weights."""


@register("uegr", forward=UEGRForward, backward=SelectiveBackward, paper="arXiv 2503.16550", revision=1)
class UEGRConfig(SelectiveOptions, UEGRForwardOptions, MethodConfig):  # MethodConfig last: UEGR has its own `views`
    """Adversarial and misspelt views through k dropout passes with a divergence; update selected by saliency."""
