"""Every frozen program has os: so it is the module with which PyInstaller packs the hook."""
# Not ssl: a program that only starts curl or git needs the variables too.

hiddenimports = ["certboot_startup"]
