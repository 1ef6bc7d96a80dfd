"""Comparisons on a machine with a GPU and no network: pack what it lacks, run there, merge what comes back.

What runs before the package is unpacked imports the standard library, torch and safetensors only; everything else waits
until `package.enter` has put the unpacked libraries on the path.
"""
