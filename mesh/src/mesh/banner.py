"""What the operator reads once the mesh is ready."""

from mesh.settings import MeshSettings

EXAMPLE = "examples/gold-ring-red-stones.jpg"
NOTES = {
    "demo": " (small trained models that know drawn jewellery and things like those in examples/)",
    "demo-random": " (random weights: pictures find themselves, words mean nothing to them)",
}


def banner(settings: MeshSettings, model_set: str) -> str:
    """Say what is where, with three calls that work as they are."""
    url = settings.local_url
    curl = 'curl -H "X-API-Key: $API_KEY"' if settings.needs_api_key else "curl"
    export = " (export API_KEY first)" if settings.needs_api_key else ""
    public = f"  public    {settings.public_base_url}\n" if settings.public_base_url else ""
    return f"""
Facet is ready.

  gateway   {url}
  docs      {url}/docs
{public}  data      {settings.facet_data_dir}
  logs      {settings.facet_data_dir / "logs"}
  models    {model_set}{NOTES.get(model_set, "")}

Store an image, search by text, search by image{export}:

  {curl} -F file=@{EXAMPLE} {url}/api/images
  {curl} -F text="a gold ring" -F top_k=3 {url}/api/search
  {curl} -F file=@{EXAMPLE} -F top_k=3 {url}/api/search

Ctrl-C stops everything.
"""
