"""What the files of pinned revisions must be."""

PINNED = {
    (
        "sentence-transformers/clip-ViT-B-32",
        "327ab6726d33c0e22f920c83f2ff9e4bd38ca37f",
    ): {
        "0_CLIPModel/model.safetensors": (
            "99d28a652e6ec46629ab7047a0ac82c69b1fe11e0ce672c43af65d3a9a3fc05d"
        )
    },
    (
        "openai/clip-vit-large-patch14",
        "32bd64288804d66eefd0ccbe215aa642df71cc41",
    ): {"model.safetensors": "a2bf730a0c7debf160f7a6b50b3aaf3703e7e88ac73de7a314903141db026dcb"},
    (
        "Salesforce/blip-image-captioning-base",
        "82a37760796d32b1411fe092ab5d4e227313294b",
    ): {"pytorch_model.bin": "d6638651a5526cc2ede56f2b5104d6851b0755816d220e5e046870430180c767"},
    (
        "Salesforce/blip2-opt-2.7b",
        "59a1ef6c1e5117b3f65523d1c6066825bcf315e3",
    ): {
        "model-00001-of-00002.safetensors": (
            "b81228c9ac1b3dee1731ee71d51fe3b2c34f915019c44c25a793b51300ae24fc"
        ),
        "model-00002-of-00002.safetensors": (
            "536bd73b8f1de7d94f503b23fea2eaa4f7f3ea5f74f8f874fcb21d6df1555a19"
        ),
    },
    (
        "stable-diffusion-v1-5/stable-diffusion-v1-5",
        "451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
    ): {
        "unet/diffusion_pytorch_model.safetensors": (
            "19da7aaa4b880e59d56843f1fcb4dd9b599c28a1d9d9af7c1143057c8ffae9f1"
        ),
        "vae/diffusion_pytorch_model.safetensors": (
            "a2b5134f4dbc140d9c11f11cba3233099e00af40f262f136c691fb7d38d2194c"
        ),
        "text_encoder/model.safetensors": (
            "d008943c017f0092921106440254dbbe00b6a285f7883ec8ba160c3faad88334"
        ),
    },
}
"""SHA-256 of the weights by hub id and revision."""
