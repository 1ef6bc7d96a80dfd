"""The Triton program of `triton_update`: AdamW (Loshchilov and Hutter 2019) whose step is masked, theta + m * u / p."""

import triton
import triton.language as tl


@triton.jit
def adamw_selected(
    weight,
    gradient,
    mean,
    moment,
    step,
    table,
    tile,
    shifts,
    count,
    lr,
    beta1,
    beta2,
    log_beta1,
    log_beta2,
    decay,
    eps,
    SELECT: tl.constexpr,
    RESCALE: tl.constexpr,
    MAXIMIZE: tl.constexpr,
    TILE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """One block of elements of one parameter; `table` is indexed by the bins of `moment`, `shifts` by row."""
    begin = tl.program_id(0).to(tl.int64) * BLOCK
    at = begin + tl.arange(0, BLOCK)
    inside = at < count
    old = tl.load(weight + at, mask=inside)
    g = tl.load(gradient + at, mask=inside)
    m = tl.load(mean + at, mask=inside)
    v = tl.load(moment + at, mask=inside)
    if MAXIMIZE:
        g = -g
    if SELECT:
        # The score is the moment that earlier steps left; its upper 16 bits are the bin, as in `bin_of`.
        p = tl.load(table + (v.to(tl.int32, bitcast=True) >> 16), mask=inside, other=1.0)
        row = begin // TILE
        u = tl.load(tile + (at - row * TILE), mask=inside, other=0.0) + tl.load(shifts + row)
        chosen = (u - tl.floor(u)) < p
        factor = tl.where(chosen, 1.0 / p if RESCALE else 1.0, 0.0)
    m = m + (1.0 - beta1) * (g - m)
    v = beta2 * v + (1.0 - beta2) * g * g
    done = tl.load(step).to(tl.float64)
    correction1 = (1.0 - tl.exp(done * log_beta1)).to(tl.float32)
    correction2 = tl.sqrt(1.0 - tl.exp(done * log_beta2)).to(tl.float32)
    new = old * (1.0 - lr * decay) - (lr / correction1) * m / (tl.sqrt(v) / correction2 + eps)
    if SELECT:
        new = tl.where(factor == 0.0, old, old + factor * (new - old))  # unselected: to the last bit
    tl.store(weight + at, new, mask=inside)
    tl.store(mean + at, m, mask=inside)
    tl.store(moment + at, v, mask=inside)
