"""``boxdeck-oci``: this runtime with the command line of runc and crun, one file a verb."""
