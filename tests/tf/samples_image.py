"""Samples of `tf.image`."""

from __future__ import annotations

import numpy as np

from tests.tf.sampling import S, Sample, t, x

PHOTO = ((np.arange(90) * 37 % 89) / 89).astype(np.float32).reshape(5, 6, 3)
PHOTOS = np.stack([PHOTO, PHOTO[::-1] * 0.7 + 0.1]).astype(np.float32)
BYTES = (PHOTO * 255).astype(np.uint8)
GREY = PHOTO[..., :1].copy()
HSV = np.stack([PHOTO[..., 0] * 0.9, PHOTO[..., 1] * 0.5 + 0.2, PHOTO[..., 2]], -1).astype(np.float32)
LARGE = ((np.arange(2 * 13 * 12) * 53 % 197) / 197).astype(np.float32).reshape(1, 13, 12, 2)
BOXES = [[0.1, 0.2, 0.9, 0.8], [0.0, 0.0, 1.0, 1.0], [-0.2, 0.3, 0.5, 1.1]]
FRAMES = [[0.0, 0.0, 1.0, 1.0], [0.1, 0.1, 1.0, 1.0], [0.0, 2.0, 1.0, 3.0], [0.0, 2.1, 1.0, 3.0]]
SCORES = [0.9, 0.8, 0.3, 0.7]
SHRINK, GROW = [3, 4], [9, 8]
METHODS = ("bilinear", "nearest", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic")

SAMPLES: list[Sample] = [
    S("image.convert_image_dtype", x(PHOTO), "uint8"), S("image.convert_image_dtype", t(BYTES), "float32"),
    S("image.convert_image_dtype", t(BYTES), "uint16"),
    S("image.convert_image_dtype", t([40000, 65535], "uint16"), "uint8"),
    S("image.convert_image_dtype", t([1.5, -0.2, 0.5]), "uint8", saturate=True),
    S("image.convert_image_dtype", x(PHOTO), "float64"), S("image.adjust_brightness", x(PHOTO), 0.2),
    S("image.adjust_brightness", t(BYTES), -0.2), S("image.adjust_contrast", t(PHOTOS), 1.5),
    S("image.adjust_contrast", t(BYTES), 0.5), S("image.adjust_gamma", x(PHOTO + 0.1), 0.7, 1.2),
    S("image.adjust_gamma", t(BYTES), gamma=2.0), S("image.per_image_standardization", x(PHOTOS)),
    S("image.per_image_standardization", t(BYTES)), S("image.rgb_to_grayscale", x(PHOTO)),
    S("image.rgb_to_grayscale", t(BYTES)), S("image.grayscale_to_rgb", x(GREY)),
    S("image.rgb_to_hsv", x(PHOTO + 0.05), rtol=1e-4), S("image.hsv_to_rgb", t(HSV), rtol=1e-4),
    *[S(f"image.{name}", x(PHOTO)) for name in ("rgb_to_yiq", "yiq_to_rgb", "rgb_to_yuv", "yuv_to_rgb")],
    S("image.adjust_hue", t(PHOTO), 0.3, rtol=1e-4), S("image.adjust_hue", t(BYTES), -0.4),
    S("image.adjust_saturation", t(PHOTO), 1.4, rtol=1e-4), S("image.adjust_saturation", t(BYTES), 0.5),
    *[S("image.resize", t(PHOTOS), size, method) for size in (SHRINK, GROW) for method in METHODS],
    *[
        S("image.resize", t(PHOTOS), SHRINK, method, antialias=True)
        for method in ("bilinear", "bicubic", "lanczos3", "gaussian")
    ],
    S("image.resize", x(PHOTOS), GROW), S("image.resize", x(PHOTO), SHRINK),
    S("image.resize", t(BYTES), SHRINK, "nearest"), S("image.resize", t(BYTES), GROW),
    S("image.resize", t(PHOTOS), GROW, "bicubic", rtol=2e-3),
    S("image.resize", t(PHOTOS), SHRINK, "bicubic", rtol=2e-3),
    S("image.resize", t(PHOTO), [10, 30], preserve_aspect_ratio=True), S("image.resize_with_pad", t(PHOTO), 8, 7),
    S("image.resize_with_pad", t(PHOTOS), 4, 9, method="nearest"), S("image.resize_with_crop_or_pad", x(PHOTO), 3, 9),
    S("image.resize_with_crop_or_pad", x(PHOTOS), 8, 4), S("image.flip_left_right", x(PHOTO)),
    S("image.flip_up_down", x(PHOTOS)), S("image.transpose", x(PHOTO)), S("image.rot90", x(PHOTO)),
    S("image.rot90", x(PHOTOS), k=3), S("image.central_crop", x(PHOTO), 0.5), S("image.central_crop", x(PHOTOS), 0.7),
    S("image.crop_to_bounding_box", x(PHOTO), 1, 2, 3, 4), S("image.pad_to_bounding_box", x(PHOTO), 1, 2, 8, 9),
    S("image.extract_patches", x(PHOTOS), [1, 2, 3, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID"),
    S("image.extract_patches", x(PHOTOS), sizes=[1, 3, 3, 1], strides=[1, 1, 2, 1], rates=[1, 1, 1, 1], padding="SAME"),
    S("image.extract_patches", t(PHOTOS), [1, 2, 2, 1], [1, 1, 1, 1], [1, 2, 2, 1], "SAME"),
    S("image.crop_and_resize", x(PHOTOS), t(BOXES), t([0, 1, 1]), [3, 4], rtol=1e-4),
    S("image.crop_and_resize", t(PHOTOS), x(BOXES), t([0, 1, 1]), [3, 4], extrapolation_value=0.5, rtol=1e-3),
    S("image.crop_and_resize", t(PHOTOS), t(BOXES), t([0, 1, 1]), [2, 3], method="nearest"),
    S("image.crop_and_resize", t(PHOTOS), t(BOXES), t([0, 1, 1]), [1, 1]), S("image.total_variation", x(PHOTOS)),
    S("image.total_variation", t(PHOTO)), S("image.image_gradients", x(PHOTOS)), S("image.sobel_edges", x(PHOTOS)),
    S("image.psnr", x(PHOTOS), x(PHOTOS * 0.9 + 0.03), 1.0, rtol=1e-4),
    S("image.psnr", t(BYTES), t(BYTES[::-1].copy()), 255, rtol=1e-4),
    S("image.ssim", x(LARGE), x(LARGE * 0.9 + 0.03), 1.0, rtol=1e-3),
    S("image.ssim", t(LARGE), t(LARGE * 0.9), max_val=1.0, filter_size=5, return_index_map=True, rtol=1e-3),
    S(
        "image.ssim_multiscale", t(LARGE), t(LARGE * 0.9 + 0.03), 1.0, power_factors=(0.6, 0.4), filter_size=5,
        rtol=1e-3,
    ),
    S("image.non_max_suppression", t(FRAMES), t(SCORES), 3),
    S("image.non_max_suppression", t(FRAMES), t(SCORES), 4, iou_threshold=0.95, score_threshold=0.5),
    S(
        "image.non_max_suppression_with_scores", t(FRAMES), t(SCORES), 4, iou_threshold=1.0, soft_nms_sigma=0.5,
        rtol=1e-4,
    ),
    S(
        "image.non_max_suppression_overlaps", t([[1.0, 0.8, 0.1], [0.8, 1.0, 0.2], [0.1, 0.2, 1.0]]),
        t([0.5, 0.9, 0.7]), 3,
    ),
]  # fmt: skip
