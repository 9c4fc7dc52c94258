"""The store on disk: generations, their hash links, bundle and manifest, the switch between them, and the env file."""
